// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IHalo2Verifier} from "../../contracts/interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// @notice The shipped model's generated verifier, and real proofs that the build made (hardhat/scripts/fixtures.py).
abstract contract ProofFixture is OracleFixture {
    string internal constant PROOFS = "../build/fixtures/proofs.json";

    string private _json;
    bytes32 internal realModel;
    bytes32 internal realNeutral;
    bytes32 internal realScales;
    IHalo2Verifier internal realVerifier;

    struct Case {
        bytes proof;
        uint256[] instances;
        int256[] outputs;
        uint256[] decoded;
    }

    function setUp() public virtual override {
        super.setUp();
        check(vm.exists(PROOFS), "no build/fixtures/proofs.json: run `python hardhat/scripts/fixtures.py` first");
        _json = vm.readFile(PROOFS);
        realModel = vm.parseJsonBytes32(_json, ".modelId");
        realNeutral = bytes32(vm.parseJsonUint(_json, ".neutralCommitment"));
        realScales = vm.parseJsonBytes32(_json, ".scales");
        realVerifier = IHalo2Verifier(_verifierOf(".model"));
        _activate(realModel, _realSpec(address(realVerifier), IModelRegistry.Statement.Committed));
    }

    /// @dev Deploy and activate the shipped model's open circuit beside it.
    function _activateOpen() internal returns (bytes32 openModel) {
        openModel = vm.parseJsonBytes32(_json, ".openModelId");
        _activate(openModel, _realSpec(_verifierOf(".openModel"), IModelRegistry.Statement.Open));
    }

    function _realSpec(
        address deployed,
        IModelRegistry.Statement statement
    ) private view returns (IModelRegistry.ModelSpec memory) {
        bytes32 features = vm.parseJsonBytes32(_json, ".featureSpecHash");
        return
            IModelRegistry.ModelSpec(
                deployed,
                deployed.codehash,
                features,
                uint256(realNeutral),
                realScales,
                1,
                statement
            );
    }

    function _verifierOf(string memory key) private returns (address deployed) {
        string memory name = vm.parseJsonString(_json, key);
        string memory artifact = vm.readFile(
            string.concat("../build/contracts/verifiers/", name, "/Verifier.sol/Halo2Verifier.json")
        );
        bytes memory code = vm.parseJsonBytes(artifact, ".bytecode");
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
        check(deployed != address(0), "the verifier deploys");
    }

    function _case(string memory name) internal view returns (Case memory) {
        return _caseAt(string.concat(".cases.", name));
    }

    /// @dev What the open circuit shows of the same input, for those without private data.
    function _openCase(string memory name) internal view returns (Case memory) {
        return _caseAt(string.concat(".openCases.", name));
    }

    function _caseAt(string memory key) private view returns (Case memory c) {
        c.proof = vm.parseJsonBytes(_json, string.concat(key, ".proof"));
        c.instances = vm.parseJsonUintArray(_json, string.concat(key, ".instances"));
        c.outputs = vm.parseJsonIntArray(_json, string.concat(key, ".outputs"));
        c.decoded = vm.parseJsonUintArray(_json, string.concat(key, ".decoded"));
    }

    /// @dev Outputs of the real model for drawn inputs of each category, ten for each.
    function _drawn() internal view returns (int256[] memory) {
        return vm.parseJsonIntArray(_json, ".drawn");
    }

    /// @dev The borrower asks with the case's data commitment; the report that its proof shows.
    function _askCase(
        Case memory c
    ) internal returns (IAIRiskOracle.Request memory request, IAIRiskOracle.Report memory report) {
        bytes32 commitment = bytes32(c.instances[1]);
        vm.prank(borrower);
        uint256 id = oracle.requestAssessment{value: FEE}(_terms(), commitment);
        request = _logged(borrower, borrower, _terms());
        request.dataCommitment = commitment;
        report = IAIRiskOracle.Report(
            id,
            realModel,
            request.blockNumber,
            keccak256("block"),
            c.instances[0],
            c.outputs
        );
    }

    function _provide(
        IAIRiskOracle.Request memory request,
        IAIRiskOracle.Report memory report,
        bytes memory proof
    ) internal {
        oracle.provideAssessment(request, report, _signatures(oracle.reportDigest(request, report)), proof);
    }
}
