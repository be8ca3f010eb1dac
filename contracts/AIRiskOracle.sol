// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {OracleViews} from "./OracleViews.sol";
import {OracleSettings} from "./access/OracleSettings.sol";
import {IAIRiskOracle} from "./interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "./interfaces/IAssessmentReceiver.sol";
import {IHalo2Verifier} from "./interfaces/IHalo2Verifier.sol";
import {IModelRegistry} from "./interfaces/IModelRegistry.sol";
import {Batches} from "./lib/Batches.sol";
import {Calldata} from "./lib/Calldata.sol";
import {ChainBlocks} from "./lib/ChainBlocks.sol";
import {Declines} from "./lib/Declines.sol";
import {Digests} from "./lib/Digests.sol";
import {Field} from "./lib/Field.sol";
import {RequestWord, RequestWords} from "./lib/RequestWord.sol";
import {Scores} from "./lib/Scores.sol";
import {Statements} from "./lib/Statements.sol";
import {WalletWord} from "./lib/WalletWord.sol";

/// @title The oracle: requests in, proven answers out
/// @notice The signers vouch that the features are the wallet's at a block; the proof shows that the registered model
/// gives exactly these outputs for them. Every number stored is decoded here from the proof's public instances.
contract AIRiskOracle is OracleViews, OracleSettings, EIP712 {
    using SafeCast for uint256;

    /// @inheritdoc IAIRiskOracle
    IModelRegistry public immutable registry;

    /// @notice Whether a report's block hash is compared with the chain's, while the chain still knows it.
    bool public immutable CHECKS_BLOCK_HASH;

    /// @inheritdoc IAIRiskOracle
    uint24 public constant MAXIMUM_CALLBACK_GAS = 1_000_000;

    bool private immutable _ARBITRUM;

    /// @param admin the access manager: it says who may change settings, signers and pause requests
    /// @param signers_ in ascending order, at most 31
    /// @param threshold_ how many of them must sign each answer
    /// @param fee_ wei a request
    /// @param requestLifetimeSeconds how long a request may wait for its answer
    /// @param assessmentLifetimeSeconds how long an answer counts
    /// @param payee_ where earned fees go
    /// @param checkBlockHash false for chains whose `blockhash` speaks about another chain's blocks (Arbitrum's system
    /// contract is known here)
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
        _ARBITRUM = ChainBlocks.onArbitrum();
    }

    // ---------------------------------------------------------------- asking

    /// @inheritdoc IAIRiskOracle
    function requestAssessment(
        LoanTerms calldata terms,
        bytes32 dataCommitment
    ) external payable returns (uint256 requestId) {
        return _request(msg.sender, terms, dataCommitment, 0);
    }

    /// @inheritdoc IAIRiskOracle
    function requestAssessmentFor(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent
    ) external payable returns (uint256 requestId) {
        _checkConsent(user, terms, dataCommitment, consent);
        return _request(user, terms, dataCommitment, 0);
    }

    /// @inheritdoc IAIRiskOracle
    function requestAssessmentWithCallback(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent,
        uint24 callbackGas
    ) external payable returns (uint256 requestId) {
        if (callbackGas == 0 || callbackGas > MAXIMUM_CALLBACK_GAS)
            revert CallbackGasOutOfRange(callbackGas, MAXIMUM_CALLBACK_GAS);
        _checkConsent(user, terms, dataCommitment, consent);
        return _request(user, terms, dataCommitment, callbackGas);
    }

    function _checkConsent(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata consent
    ) private {
        if (user == address(0)) revert ZeroUser();
        if (block.timestamp > consent.validUntil) revert ConsentExpired(consent.validUntil);
        WalletWord wallet = _wallets[user];
        bytes32 digest = _hashTypedDataV4(
            Digests.consent(user, msg.sender, terms, dataCommitment, wallet.nonce(), consent.validUntil)
        );
        _wallets[user] = wallet.withNextNonce();
        // The key first: an account that delegates (EIP-7702) to code without ERC-1271 still owns it.
        (address signer, ECDSA.RecoverError failed, ) = ECDSA.tryRecoverCalldata(digest, consent.signature);
        if (failed == ECDSA.RecoverError.NoError && signer == user) return;
        if (!SignatureChecker.isValidERC1271SignatureNowCalldata(user, digest, consent.signature)) {
            revert InvalidConsent(user);
        }
    }

    function _request(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        uint24 callbackGas
    ) private whenNotPaused returns (uint256 requestId) {
        Ledger memory ledger = _ledger;
        uint256 price = ledger.fee + (callbackGas == 0 ? 0 : callbackFee(callbackGas));
        if (msg.value != price) revert WrongFee(msg.value, price);
        if (terms.principal == 0) revert ZeroPrincipal();
        if (terms.duration == 0) revert ZeroDuration();
        if (!Field.isElement(uint256(dataCommitment))) revert NotAFieldElement(uint256(dataCommitment));

        requestId = uint256(ledger.requestCount) + 1;
        uint64 requestedAt = uint64(block.timestamp);
        uint64 deadline = requestedAt + ledger.requestLifetime;
        uint64 blockNumber = ChainBlocks.number(_ARBITRUM).toUint40();
        bytes32 requestHash = keccak256(
            abi.encode(user, msg.sender, terms, dataCommitment, price, requestedAt, deadline, blockNumber)
        );
        _ledger.requestCount = requestId.toUint40();
        _wallets[user] = _wallets[user].withRequest(requestId);
        _requests[requestId] = RequestWords.pending(requestHash, callbackGas);
        emit AssessmentRequested(
            requestId,
            user,
            msg.sender,
            terms,
            dataCommitment,
            uint96(price),
            requestedAt,
            deadline,
            blockNumber
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
        uint256 requestId = report.requestId;
        uint256 callbackGas = _checkPending(request, requestId).callbackGas();
        if (block.timestamp > request.deadline) revert RequestExpired(requestId, request.deadline);
        _answer(request, report, signatures, proof, callbackGas);
    }

    /// @inheritdoc IAIRiskOracle
    function provideAssessments(Answer[] calldata answers) external returns (uint256 answered) {
        // A proof is dear: whoever gets one refused that anyone could copy must not burn the others with it.
        for (uint256 i = 0; i < answers.length; ++i) {
            _isAnswerable(answers[i].request, answers[i].report.requestId);
        }
        for (uint256 i = 0; i < answers.length; ++i) {
            Answer calldata answer = answers[i];
            uint256 requestId = answer.report.requestId;
            // Looked at again: the same request may stand in it twice, and a callback may do anything.
            if (!_isAnswerable(answer.request, requestId)) {
                emit RequestSkipped(requestId, _requests[requestId].state());
                continue;
            }
            _answer(answer.request, answer.report, answer.signatures, answer.proof, _requests[requestId].callbackGas());
            ++answered;
        }
        if (answered == 0) revert NothingToAnswer();
    }

    /// @dev False for what ended or expired meanwhile; a pending request that was never made so is a mistake.
    function _isAnswerable(Request calldata request, uint256 requestId) private view returns (bool) {
        RequestWord word = _requests[requestId];
        if (word.matches(Calldata.hash(request))) return block.timestamp <= request.deadline;
        if (word.state() == RequestState.Pending) revert RequestMismatch(requestId);
        return false;
    }

    function _answer(
        Request calldata request,
        Report calldata report,
        bytes[] calldata signatures,
        bytes calldata proof,
        uint256 callbackGas
    ) private {
        uint256 requestId = report.requestId;
        _checkBlock(request.blockNumber, report.blockNumber, report.blockHash);
        Ledger memory ledger = _ledger;
        Head memory head = _head;
        bytes32 digest = _hashTypedDataV4(Digests.report(request, report, head.digest));
        _checkSignatures(digest, signatures, ledger.threshold, head.lowest);
        (address verifier, uint16 modelIndex, uint72 scales, , uint256 neutral) = registry.activeModel(report.modelId);
        // The instances below are those of one request.
        if (Statements.above(scales) != Statements.COMMITTED) revert WrongStatement(report.modelId);
        uint256[] memory instances = Scores.toInstances(
            report.featureCommitment,
            uint256(request.dataCommitment),
            report.outputs
        );
        _checkProof(verifier, report.modelId, instances, proof);

        Assessment memory assessment = Scores.decode(Scores.copied(report.outputs), scales);
        assessment.modelIndex = modelIndex;
        assessment.privateData = uint256(request.dataCommitment) != neutral;
        _ledger.earnedFees = (uint256(ledger.earnedFees) + request.fee).toUint80();
        _store(request, requestId, report.modelId, assessment, ledger.assessmentLifetime, callbackGas);
    }

    /// @inheritdoc IAIRiskOracle
    function provideBatch(
        Request[] calldata requests,
        Batch calldata batch,
        bytes[] calldata signatures,
        bytes calldata proof
    ) external returns (uint256 answered) {
        (address verifier, uint16 modelIndex, uint72 scales, uint8 batchSize, uint256 neutral) = registry.activeModel(
            batch.modelId
        );
        (uint256[] memory words, uint256 first, uint256 each) = Batches.instances(
            requests.length,
            batch,
            scales,
            batchSize
        );
        // A proof is dear: one that nobody waits for any more is not checked.
        for (uint256 i = 0; i < requests.length; ++i) {
            if (_isAnswerable(requests[i], batch.requestIds[i])) ++answered;
        }
        if (answered == 0) revert NothingToAnswer();
        Ledger memory ledger = _ledger;
        Head memory head = _head;
        bytes32 digest = _hashTypedDataV4(Digests.batch(requests, batch, head.digest));
        _checkSignatures(digest, signatures, ledger.threshold, head.lowest);
        _checkProof(verifier, batch.modelId, words, proof);

        answered = 0;
        uint256 earned = 0;
        for (uint256 i = 0; i < requests.length; ++i) {
            Request calldata request = requests[i];
            uint256 requestId = batch.requestIds[i];
            // Looked at again: the same request may stand in it twice, and a callback may do anything.
            if (!_isAnswerable(request, requestId)) {
                emit RequestSkipped(requestId, _requests[requestId].state());
                continue;
            }
            if (uint256(request.dataCommitment) != neutral) revert PrivateDataAsked(requestId);
            _checkBlock(request.blockNumber, request.blockNumber, batch.blockHashes[i]);
            int256[] memory outputs = Scores.outputsAt(words, first + i * each, each == 1);
            Assessment memory assessment = Scores.decode(outputs, scales);
            assessment.modelIndex = modelIndex;
            uint256 callbackGas = _requests[requestId].callbackGas();
            _store(request, requestId, batch.modelId, assessment, ledger.assessmentLifetime, callbackGas);
            earned += request.fee;
            ++answered;
        }
        _ledger.earnedFees = (_ledger.earnedFees + earned).toUint80();
    }

    function _store(
        Request calldata request,
        uint256 requestId,
        bytes32 modelId,
        Assessment memory assessment,
        uint256 lifetimeSeconds,
        uint256 callbackGas
    ) private {
        // Both fit for a thousand years.
        unchecked {
            assessment.issuedAt = uint40(block.timestamp);
            assessment.expiresAt = uint40(block.timestamp + lifetimeSeconds);
        }
        // Of a request that was made here, where it fits: see there.
        assessment.blockNumber = uint40(request.blockNumber);
        _requests[requestId] = RequestWords.answered(assessment);
        emit AssessmentProvided(requestId, request.user, modelId, assessment);

        if (callbackGas > 0) _callBack(request.requester, callbackGas, requestId, assessment);
    }

    /// @dev Whatever the receiver does, with whatever it returns, the answer stands.
    function _callBack(address receiver, uint256 callbackGas, uint256 requestId, Assessment memory assessment) private {
        // Of what is left, 1/64 stays here: less than this would let the sender starve the receiver.
        uint256 needed = callbackGas + callbackGas / 63 + 10_000;
        if (gasleft() < needed) revert TooLittleGas(gasleft(), needed);
        bytes memory message = abi.encodeCall(IAssessmentReceiver.onAssessment, (requestId, assessment));
        bool ok;
        assembly ("memory-safe") {
            // No output is copied: a long one would be paid here.
            ok := call(callbackGas, receiver, 0, add(message, 0x20), mload(message), 0, 0)
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

        _requests[requestId] = RequestWords.declined(reason);
        uint256 refund = refundFor(request.fee, DeclineReason(reason));
        refundOf[request.requester] += refund;
        if (refund < request.fee) _ledger.earnedFees = (_ledger.earnedFees + request.fee - refund).toUint80();
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

    /// @inheritdoc IAIRiskOracle
    function refundFor(uint96 feeWei, DeclineReason reason) public pure returns (uint256) {
        return feeWei - Declines.kept(feeWei, reason);
    }

    function _checkPending(Request calldata request, uint256 requestId) private view returns (RequestWord word) {
        word = _requests[requestId];
        if (word.matches(Calldata.hash(request))) return word;
        RequestState state = word.state();
        if (state != RequestState.Pending) revert RequestNotPending(requestId, state);
        revert RequestMismatch(requestId);
    }

    function _checkBlock(uint64 requested, uint64 blockNumber, bytes32 blockHash) private view {
        if (blockNumber != requested) revert BlockMismatch(blockNumber, requested);
        if (!CHECKS_BLOCK_HASH) return;
        bytes32 actual = ChainBlocks.hashOf(blockNumber, _ARBITRUM);
        // Zero: forgotten, and the signers vouch for it alone; or the block that this is mined in. Nodes estimate gas as if
        // inside their newest block, which may be the request's own, but at no price. What is paid for there was made for
        // a block that a reorganisation took, and came back together with its request.
        bool unknown = actual == 0 && (tx.gasprice == 0 || blockNumber != ChainBlocks.number(_ARBITRUM));
        if (!unknown && actual != blockHash) revert BlockHashMismatch(blockNumber, blockHash, actual);
    }

    function _checkProof(
        address verifier,
        bytes32 modelId,
        uint256[] memory instances,
        bytes calldata proof
    ) private view {
        // The generated code reverts without a word on most invalid proofs: give it one.
        try IHalo2Verifier(verifier).verifyProof(proof, instances) returns (bool valid) {
            if (!valid) revert InvalidProof(modelId);
        } catch {
            revert InvalidProof(modelId);
        }
    }

    /// @inheritdoc IAIRiskOracle
    function neutralCommitment() external view returns (bytes32) {
        return bytes32(registry.primaryNeutralCommitment());
    }

    /// @inheritdoc IAIRiskOracle
    function eip712Domain()
        public
        view
        override(EIP712, IAIRiskOracle)
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return super.eip712Domain();
    }

    // --------------------------------------------------------------- digests

    /// @inheritdoc IAIRiskOracle
    function reportDigest(Request calldata request, Report calldata report) public view returns (bytes32) {
        return _hashTypedDataV4(Digests.report(request, report, signerSetDigest()));
    }

    /// @inheritdoc IAIRiskOracle
    function batchDigest(Request[] calldata requests, Batch calldata batch) external view returns (bytes32) {
        return _hashTypedDataV4(Digests.batch(requests, batch, signerSetDigest()));
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
        return
            _hashTypedDataV4(
                Digests.consent(user, requester, terms, dataCommitment, _wallets[user].nonce(), validUntil)
            );
    }
}
