// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {Field} from "../../contracts/lib/Field.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// @notice Answers with proofs, honest ones and forged ones, and remembers what each proof shows.
/// @dev A proof comes before the report about it: its instances are recorded where the verifier learns of them, and are
/// never read off a report.
abstract contract ProvenAnswers is OracleFixture {
    enum Forgery {
        Output,
        FeatureCommitment,
        ProofOfAnother,
        ProofBytes
    }

    uint256 private _proofs;
    mapping(bytes32 proofHash => uint256[]) private _instancesOf;
    mapping(uint256 requestId => bytes32 proofHash) private _answeredWith;

    uint256 public honestRefused;
    uint256 public forgedAccepted;
    uint256 public forgedRefusedForAnotherReason;

    /// @notice The only instances that the verifier accepts with the proof that answered this request.
    function shownFor(uint256 requestId) external view returns (uint256[] memory) {
        return _instancesOf[_answeredWith[requestId]];
    }

    /// @notice The scales that the model is registered with, a byte for each output.
    function scales() external view virtual returns (bytes32) {
        return SCALES;
    }

    // --------------------------------------------------------- where proofs come from

    /// @dev The model that answers.
    function _modelId() internal view virtual returns (bytes32) {
        return MODEL;
    }

    /// @dev A proof of these outputs that the verifier accepts for the request, and its instances.
    function _prove(
        IAIRiskOracle.Request memory request,
        int256[] memory outputs
    ) internal virtual returns (bytes memory proof, uint256[] memory instances) {
        ++_proofs;
        proof = abi.encode("proof", _proofs);
        instances = new uint256[](12);
        instances[0] = uint256(keccak256(proof)) % Field.MODULUS;
        instances[1] = uint256(request.dataCommitment);
        for (uint256 i = 0; i < 10; ++i) {
            int256 value = outputs[i];
            instances[i + 2] = value < 0 ? Field.MODULUS - uint256(-value) : uint256(value);
        }
        verifier.list(proof, instances);
    }

    /// @dev A proof of something else than these outputs.
    function _proofOfAnother(int256[] memory) internal view virtual returns (bytes memory) {
        return abi.encode("proof", _proofs);
    }

    // --------------------------------------------------------------------- answers

    /// @return accepted whether the oracle took the answer
    function _answerHonestly(
        IAIRiskOracle.Request memory request,
        uint256 requestId,
        int256[] memory outputs,
        bool inBatch
    ) internal returns (bool accepted) {
        (bytes memory proof, uint256[] memory instances) = _proven(request, outputs);
        bytes memory refusal = _send(request, _reportOf(requestId, instances), proof, inBatch);
        accepted = refusal.length == 0;
        if (accepted) _answeredWith[requestId] = keccak256(proof);
        else ++honestRefused;
    }

    /// @dev The signers sign the forged report: the proof alone stands against it.
    /// @return accepted whether the oracle took the answer
    function _answerForged(
        IAIRiskOracle.Request memory request,
        uint256 requestId,
        int256[] memory outputs,
        uint256 seed
    ) internal returns (bool accepted) {
        bytes memory ofAnother = _proofOfAnother(outputs);
        (bytes memory proof, uint256[] memory instances) = _proven(request, outputs);
        IAIRiskOracle.Report memory report = _reportOf(requestId, instances);
        Forgery forgery = Forgery(seed % 4);
        if (forgery == Forgery.Output) {
            uint256 index = (seed / 4) % 10;
            report.outputs[index] += report.outputs[index] > 0 ? -int256(1) : int256(1);
        } else if (forgery == Forgery.FeatureCommitment) {
            report.featureCommitment = (report.featureCommitment + 1) % Field.MODULUS;
        } else if (forgery == Forgery.ProofOfAnother) {
            proof = ofAnother;
        } else {
            proof[seed % proof.length] ^= 0x01;
        }
        bytes memory refusal = _send(request, report, proof, (seed / 64) % 2 == 0);
        accepted = refusal.length == 0;
        if (accepted) {
            ++forgedAccepted;
            _answeredWith[requestId] = keccak256(proof);
        } else if (bytes4(refusal) != IAIRiskOracle.InvalidProof.selector) {
            ++forgedRefusedForAnotherReason;
        }
    }

    function _send(
        IAIRiskOracle.Request memory request,
        IAIRiskOracle.Report memory report,
        bytes memory proof,
        bool inBatch
    ) private returns (bytes memory refusal) {
        IAIRiskOracle.Answer[] memory answers = new IAIRiskOracle.Answer[](1);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        answers[0] = IAIRiskOracle.Answer(request, report, signatures, proof);
        bytes memory call_ =
            inBatch
                ? abi.encodeCall(oracle.provideAssessments, (answers))
                : abi.encodeCall(oracle.provideAssessment, (request, report, signatures, proof));
        bool ok;
        (ok, refusal) = address(oracle).call(call_);
        if (ok) return "";
    }

    function _proven(
        IAIRiskOracle.Request memory request,
        int256[] memory outputs
    ) private returns (bytes memory proof, uint256[] memory instances) {
        (proof, instances) = _prove(request, outputs);
        _instancesOf[keccak256(proof)] = instances;
    }

    function _reportOf(
        uint256 requestId,
        uint256[] memory instances
    ) private view returns (IAIRiskOracle.Report memory report) {
        report = _report(requestId, new int256[](10));
        report.modelId = _modelId();
        report.featureCommitment = instances[0];
        for (uint256 i = 0; i < 10; ++i) report.outputs[i] = signed(instances[i + 2]);
    }

    /// @notice The number that a field element stands for: the upper half of the field is negative.
    function signed(uint256 element) public pure returns (int256) {
        return element > Field.MODULUS / 2 ? -int256(Field.MODULUS - element) : int256(element);
    }
}
