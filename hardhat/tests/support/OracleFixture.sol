// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./Built.sol";
import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";
import {AIRiskOracle} from "../../contracts/AIRiskOracle.sol";
import {ModelRegistry} from "../../contracts/ModelRegistry.sol";
import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IModelRegistry} from "../../contracts/interfaces/IModelRegistry.sol";
import {Field} from "../../contracts/lib/Field.sol";
import {Checks} from "./Vm.sol";
import {ListedVerifier} from "./ListedVerifier.sol";

/// @notice An oracle with one active model and one signer, and the steps of a request.
abstract contract OracleFixture is Checks {
    uint256 internal constant BORROWER_KEY = 0xB0770;
    uint96 internal constant FEE = 0.001 ether;
    uint32 internal constant REQUEST_LIFETIME = 10 minutes;
    uint32 internal constant ASSESSMENT_LIFETIME = 1 days;
    uint32 internal constant TIMELOCK = 2 days;
    bytes32 internal constant MODEL = keccak256("model one");
    bytes32 internal constant NEUTRAL = bytes32(uint256(0x7e07a1));
    // Margins at 7, then score, default, fraud at 10, rate 13, duration 9, LTV 10, confidence 8.
    bytes32 internal constant SCALES = hex"0707070a0a0a0d090a08";

    AccessManager internal manager;
    ModelRegistry internal registry;
    AIRiskOracle internal oracle;
    ListedVerifier internal verifier;
    address internal payee = address(0xFEE);
    address internal borrower;
    uint256[] internal signerKeys;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        borrower = vm.addr(BORROWER_KEY);
        vm.deal(borrower, 100 ether);
        manager = new AccessManager(address(this));
        registry = Built.modelRegistry(address(manager), TIMELOCK);
        verifier = new ListedVerifier();
        _activate(MODEL, _spec(address(verifier)));
        signerKeys = _ascendingKeys(1);
        oracle = _deployOracle(1, false);
    }

    function _deployOracle(uint8 threshold, bool checkBlockHash) internal returns (AIRiskOracle) {
        return
            Built.oracle(
                abi.encode(
                    address(manager),
                    IModelRegistry(address(registry)),
                    _addresses(signerKeys),
                    threshold,
                    FEE,
                    REQUEST_LIFETIME,
                    ASSESSMENT_LIFETIME,
                    payee,
                    checkBlockHash
                )
            );
    }

    /// @dev Asked of the machine: the compiler takes the block's time for a constant, wherever it was changed.
    function _time() internal view returns (uint256) {
        return vm.getBlockTimestamp();
    }

    // ------------------------------------------------------------- models

    function _spec(address verifier_) internal view returns (IModelRegistry.ModelSpec memory) {
        return
            IModelRegistry.ModelSpec(
                verifier_,
                verifier_.codehash,
                keccak256("features"),
                uint256(NEUTRAL),
                SCALES,
                1,
                IModelRegistry.Statement.Committed
            );
    }

    function _activate(bytes32 modelId, IModelRegistry.ModelSpec memory spec) internal {
        registry.propose(modelId, spec);
        vm.warp(_time() + TIMELOCK);
        registry.activate(modelId);
    }

    // ------------------------------------------------------------ signers

    function _ascendingKeys(uint256 count) internal pure returns (uint256[] memory keys) {
        keys = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            keys[i] = 0xA11CE + i;
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); --j) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }

    function _addresses(uint256[] memory keys) internal pure returns (address[] memory addresses) {
        addresses = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) addresses[i] = vm.addr(keys[i]);
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _signatures(bytes32 digest) internal view returns (bytes[] memory signatures) {
        signatures = new bytes[](oracle.threshold());
        for (uint256 i = 0; i < signatures.length; ++i) signatures[i] = _signature(signerKeys[i], digest);
    }

    // ----------------------------------------------------------- requests

    function _terms() internal pure returns (IAIRiskOracle.LoanTerms memory) {
        return IAIRiskOracle.LoanTerms(address(0), 1 ether, address(0), 2 ether, 30 days);
    }

    function _consent(
        address requester,
        IAIRiskOracle.LoanTerms memory terms,
        bytes32 commitment
    ) internal view returns (IAIRiskOracle.Consent memory) {
        uint64 validUntil = uint64(_time() + 1 hours);
        bytes32 digest = oracle.consentDigest(borrower, requester, terms, commitment, validUntil);
        return IAIRiskOracle.Consent(validUntil, _signature(BORROWER_KEY, digest));
    }

    /// @dev The borrower asks about themselves.
    function _ask() internal returns (uint256 id, IAIRiskOracle.Request memory request) {
        vm.prank(borrower);
        id = oracle.requestAssessment{value: FEE}(_terms(), NEUTRAL);
        request = _logged(borrower, borrower, _terms());
    }

    /// @dev A contract (this one) asks about the borrower.
    function _askFor() internal returns (uint256 id, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        id = oracle.requestAssessmentFor{value: FEE}(borrower, _terms(), NEUTRAL, consent);
        request = _logged(borrower, address(this), _terms());
    }

    function _logged(
        address user,
        address requester,
        IAIRiskOracle.LoanTerms memory terms
    ) internal view returns (IAIRiskOracle.Request memory) {
        uint64 now_ = uint64(_time());
        return
            IAIRiskOracle.Request(
                user,
                requester,
                terms,
                NEUTRAL,
                FEE,
                now_,
                now_ + REQUEST_LIFETIME,
                uint64(vm.getBlockNumber())
            );
    }

    // ------------------------------------------------------------ answers

    /// @dev Outputs of a low-risk borrower: score 80 %, default 3 %, fraud 5 %, rate 6.25 %, 182 days, LTV 75 %.
    function _lowOutputs() internal pure returns (int256[] memory outputs) {
        outputs = new int256[](10);
        outputs[0] = 200;
        outputs[1] = 12;
        outputs[2] = -340;
        outputs[3] = 820;
        outputs[4] = 31;
        outputs[5] = 52;
        outputs[6] = 512;
        outputs[7] = 256;
        outputs[8] = 768;
        outputs[9] = 230;
    }

    function _mediumOutputs() internal pure returns (int256[] memory outputs) {
        outputs = _lowOutputs();
        outputs[1] = 201;
    }

    function _highOutputs() internal pure returns (int256[] memory outputs) {
        outputs = _lowOutputs();
        outputs[2] = 201;
    }

    function _report(uint256 id, int256[] memory outputs) internal view returns (IAIRiskOracle.Report memory) {
        return
            IAIRiskOracle.Report(
                id,
                MODEL,
                uint64(vm.getBlockNumber()),
                keccak256("block"),
                uint256(keccak256("features of the wallet")) % Field.MODULUS,
                outputs
            );
    }

    function _instances(
        IAIRiskOracle.Request memory request,
        IAIRiskOracle.Report memory report
    ) internal pure returns (uint256[] memory instances) {
        instances = new uint256[](12);
        instances[0] = report.featureCommitment;
        instances[1] = uint256(request.dataCommitment);
        for (uint256 i = 0; i < 10; ++i) {
            int256 value = report.outputs[i];
            instances[i + 2] = value < 0 ? Field.MODULUS - uint256(-value) : uint256(value);
        }
    }

    /// @dev A proof that the listed verifier accepts for exactly this request and report.
    function _proof(
        IAIRiskOracle.Request memory request,
        IAIRiskOracle.Report memory report
    ) internal returns (bytes memory proof) {
        proof = abi.encode("proof of", report.requestId);
        verifier.list(proof, _instances(request, report));
    }

    function _answer(uint256 id, IAIRiskOracle.Request memory request, int256[] memory outputs) internal {
        IAIRiskOracle.Report memory report = _report(id, outputs);
        bytes memory proof = _proof(request, report);
        oracle.provideAssessment(request, report, _signatures(oracle.reportDigest(request, report)), proof);
    }

    function _decline(uint256 id, IAIRiskOracle.Request memory request, uint8 reason) internal {
        oracle.declineAssessment(request, id, reason, _signatures(oracle.declineDigest(request, id, reason)));
    }

    receive() external payable virtual {}
}
