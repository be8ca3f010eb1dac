// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {OracleViews} from "./OracleViews.sol";
import {OracleSettings} from "./access/OracleSettings.sol";
import {IAIRiskOracle} from "./interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "./interfaces/IAssessmentReceiver.sol";
import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {Calldata} from "./lib/Calldata.sol";
import {Digests} from "./lib/Digests.sol";
import {Field} from "./lib/Field.sol";
import {RequestWord, RequestWords} from "./lib/RequestWord.sol";
import {Scores} from "./lib/Scores.sol";

/// @title The oracle: requests in, proven answers out
/// @notice The signers vouch that the features are the wallet's at a block; the proof shows that the registered model
/// gives exactly these outputs for them. Every number stored is decoded here from the proof's public instances.
contract AIRiskOracle is OracleViews, OracleSettings, EIP712, Nonces {
    using SafeCast for uint256;

    /// @inheritdoc IAIRiskOracle
    IModelRegistry public immutable registry;

    /// @notice Whether a report's block hash is compared with the chain's, while the chain still knows it.
    bool public immutable CHECKS_BLOCK_HASH;

    /// @notice What a callback may burn; an answer must bring that much besides its own.
    uint256 public constant CALLBACK_GAS = 200_000;

    /// @param admin the access manager: it says who may change settings, signers and pause requests
    /// @param signers_ in ascending order, at most 31
    /// @param threshold_ how many of them must sign each answer
    /// @param fee_ wei a request
    /// @param requestLifetimeSeconds how long a request may wait for its answer
    /// @param assessmentLifetimeSeconds how long an answer counts
    /// @param payee_ where earned fees go
    /// @param checkBlockHash false for chains whose `blockhash` speaks about another chain's blocks
    constructor(
        address admin,
        IModelRegistry registry_,
        address[] memory signers_,
        uint8 threshold_,
        uint96 fee_,
        uint32 requestLifetimeSeconds,
        uint32 assessmentLifetimeSeconds,
        address payee_,
        bool checkBlockHash
    )
        AccessManaged(admin)
        EIP712("AIRiskOracle", "1")
        OracleSettings(signers_, threshold_, fee_, requestLifetimeSeconds, assessmentLifetimeSeconds, payee_)
    {
        if (address(registry_).code.length == 0) revert InvalidSetting("registry", uint160(address(registry_)));
        registry = registry_;
        CHECKS_BLOCK_HASH = checkBlockHash;
    }

    // ---------------------------------------------------------------- asking

    /// @inheritdoc IAIRiskOracle
    function requestAssessment(
        LoanTerms calldata terms,
        bytes32 dataCommitment
    ) external payable returns (uint256 requestId) {
        return _request(msg.sender, terms, dataCommitment, false);
    }

    /// @inheritdoc IAIRiskOracle
    function requestAssessmentFor(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent
    ) external payable returns (uint256 requestId) {
        _checkConsent(user, terms, dataCommitment, consent);
        return _request(user, terms, dataCommitment, false);
    }

    /// @inheritdoc IAIRiskOracle
    function requestAssessmentWithCallback(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent
    ) external payable returns (uint256 requestId) {
        _checkConsent(user, terms, dataCommitment, consent);
        return _request(user, terms, dataCommitment, true);
    }

    function _checkConsent(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent
    ) private {
        if (user == address(0)) revert ZeroUser();
        if (block.timestamp > consent.validUntil) revert ConsentExpired(consent.validUntil);
        bytes32 digest = _hashTypedDataV4(
            Digests.consent(user, msg.sender, terms, dataCommitment, _useNonce(user), consent.validUntil)
        );
        if (!SignatureChecker.isValidSignatureNowCalldata(user, digest, consent.signature)) {
            revert InvalidConsent(user);
        }
    }

    function _request(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        bool callback
    ) private whenNotPaused returns (uint256 requestId) {
        Ledger memory ledger = _ledger;
        uint256 price = callback ? uint256(ledger.fee) + callbackFee : ledger.fee;
        if (msg.value != price) revert WrongFee(msg.value, price);
        if (terms.principal == 0) revert ZeroPrincipal();
        if (terms.duration == 0) revert ZeroDuration();
        if (!Field.isElement(uint256(dataCommitment))) revert NotAFieldElement(uint256(dataCommitment));

        requestId = uint256(ledger.requestCount) + 1;
        uint64 requestedAt = uint64(block.timestamp);
        uint64 deadline = requestedAt + ledger.requestLifetime;
        bytes32 requestHash = keccak256(
            abi.encode(user, msg.sender, terms, dataCommitment, price, requestedAt, deadline)
        );
        _ledger.requestCount = requestId.toUint40();
        _requests[requestId] = RequestWords.pending(requestHash, callback);
        emit AssessmentRequested(
            requestId,
            user,
            msg.sender,
            terms,
            dataCommitment,
            uint96(price),
            requestedAt,
            deadline
        );
    }

    // ------------------------------------------------------------- answering

    /// @inheritdoc IAIRiskOracle
    function provideAssessment(
        Request calldata request,
        Report calldata report,
        bytes[] calldata signatures,
        bytes calldata proof
    ) external {
        _answer(request, report, signatures, proof);
    }

    /// @inheritdoc IAIRiskOracle
    function provideAssessments(Answer[] calldata answers) external {
        for (uint256 i = 0; i < answers.length; ++i) {
            _answer(answers[i].request, answers[i].report, answers[i].signatures, answers[i].proof);
        }
    }

    function _answer(
        Request calldata request,
        Report calldata report,
        bytes[] calldata signatures,
        bytes calldata proof
    ) private {
        uint256 requestId = report.requestId;
        bool callback = _checkPending(request, requestId);
        if (block.timestamp > request.deadline) revert RequestExpired(requestId, request.deadline);
        _checkBlock(report.blockNumber, report.blockHash);
        Ledger memory ledger = _ledger;
        Head memory head = _head;
        bytes32 digest = _hashTypedDataV4(Digests.report(request, report, head.digest));
        _checkSignatures(digest, signatures, ledger.threshold, head.lowest);
        (address verifier, uint16 modelIndex, uint72 scales, uint8 batchSize) = registry.activeModel(report.modelId);
        // The instances below are those of one request.
        if (batchSize != 1) revert ModelAnswersBatches(report.modelId, batchSize);
        _checkProof(verifier, request, report, proof);

        Assessment memory assessment = Scores.decode(report.outputs, scales);
        assessment.issuedAt = uint40(block.timestamp);
        assessment.expiresAt = uint40(block.timestamp + ledger.assessmentLifetime);
        assessment.blockNumber = uint40(report.blockNumber);
        assessment.modelIndex = modelIndex;
        _requests[requestId] = RequestWords.answered(assessment);
        // Answers may arrive out of order: an older request never hides a newer answer.
        if (requestId > _latestAnswered[request.user]) _latestAnswered[request.user] = requestId;
        _ledger.earnedFees = (uint256(ledger.earnedFees) + request.fee).toUint80();
        emit AssessmentProvided(requestId, request.user, report.modelId, assessment);

        if (callback) _callBack(request.requester, requestId, assessment);
    }

    /// @dev Whatever the receiver does, with whatever it returns, the answer stands.
    function _callBack(address receiver, uint256 requestId, Assessment memory assessment) private {
        // Of what is left, 1/64 stays here: less than this would let the sender starve the receiver.
        uint256 needed = CALLBACK_GAS + CALLBACK_GAS / 63 + 10_000;
        if (gasleft() < needed) revert TooLittleGas(gasleft(), needed);
        bytes memory message = abi.encodeCall(IAssessmentReceiver.onAssessment, (requestId, assessment));
        bool ok;
        assembly ("memory-safe") {
            // No output is copied: a long one would be paid here.
            ok := call(CALLBACK_GAS, receiver, 0, add(message, 0x20), mload(message), 0, 0)
        }
        if (!ok) emit CallbackFailed(requestId, receiver);
    }

    /// @inheritdoc IAIRiskOracle
    function declineAssessment(
        Request calldata request,
        uint256 requestId,
        uint8 reason,
        bytes[] calldata signatures
    ) external {
        _checkPending(request, requestId);
        if (reason == 0 || reason > uint8(type(DeclineReason).max)) revert UnknownDeclineReason(reason);
        _checkSignatures(declineDigest(request, requestId, reason), signatures, _ledger.threshold, _head.lowest);

        _requests[requestId] = RequestWords.DECLINED_WORD;
        refundOf[request.requester] += request.fee;
        emit AssessmentDeclined(requestId, request.user, reason);
    }

    /// @inheritdoc IAIRiskOracle
    function cancelRequest(Request calldata request, uint256 requestId) external {
        _checkPending(request, requestId);
        if (block.timestamp <= request.deadline) revert RequestNotExpired(requestId, request.deadline);

        _requests[requestId] = RequestWords.CANCELLED_WORD;
        refundOf[request.requester] += request.fee;
        emit RequestCancelled(requestId);
    }

    function _checkPending(Request calldata request, uint256 requestId) private view returns (bool callback) {
        RequestWord word = _requests[requestId];
        if (word.matches(Calldata.hash(request))) return word.wantsCallback();
        RequestState state = word.state();
        if (state != RequestState.Pending) revert RequestNotPending(requestId, state);
        revert RequestMismatch(requestId);
    }

    function _checkBlock(uint64 blockNumber, bytes32 blockHash) private view {
        if (!CHECKS_BLOCK_HASH) return;
        // Equal is allowed, and unchecked like a forgotten block: nodes estimate gas as if inside their newest block,
        // which may be the report's own. It opens nothing that naming an old block does not: the signers vouch anyway.
        if (blockNumber > block.number) revert BlockNotMined(blockNumber, block.number);
        bytes32 actual = blockhash(blockNumber);
        // Zero: older than the 256 blocks that the chain remembers. The signers vouch for it alone.
        if (actual != bytes32(0) && actual != blockHash) revert BlockHashMismatch(blockNumber, blockHash, actual);
    }

    function _checkProof(
        address verifier,
        Request calldata request,
        Report calldata report,
        bytes calldata proof
    ) private view {
        uint256[] memory instances = Scores.toInstances(
            report.featureCommitment,
            uint256(request.dataCommitment),
            report.outputs
        );
        // The generated code reverts without a word on most invalid proofs: give it one.
        try IHalo2Verifier(verifier).verifyProof(proof, instances) returns (bool valid) {
            if (!valid) revert InvalidProof(report.modelId);
        } catch {
            revert InvalidProof(report.modelId);
        }
    }

    // --------------------------------------------------------------- digests

    /// @inheritdoc IAIRiskOracle
    function reportDigest(Request calldata request, Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(Digests.report(request, report, signerSetDigest()));
    }

    /// @inheritdoc IAIRiskOracle
    function declineDigest(Request calldata request, uint256 requestId, uint8 reason) public view returns (bytes32) {
        return _hashTypedDataV4(Digests.decline(request, requestId, reason, signerSetDigest()));
    }

    /// @inheritdoc IAIRiskOracle
    function consentDigest(
        address user,
        address requester,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        uint64 validUntil
    ) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.consent(user, requester, terms, dataCommitment, nonces(user), validUntil));
    }
}
