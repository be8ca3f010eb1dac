// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "../interfaces/IAssessmentReceiver.sol";
import {IModelRegistry} from "../interfaces/IModelRegistry.sol";

/// @title An oracle for a consumer's tests: it is told what it answers next
/// @notice It takes the fee and says what it was told, at once: no consent, no signature and no proof is checked. It is its
/// own registry, with one model. Never deploy it where money is.
contract MockAIRiskOracle is IAIRiskOracle {
    /// @inheritdoc IAIRiskOracle
    uint24 public constant MAXIMUM_CALLBACK_GAS = 1_000_000;

    /// @inheritdoc IAIRiskOracle
    uint96 public fee = 0.001 ether;
    /// @inheritdoc IAIRiskOracle
    bytes32 public neutralCommitment = bytes32(uint256(1));
    /// @inheritdoc IAIRiskOracle
    uint256 public requestCount;
    /// @inheritdoc IAIRiskOracle
    mapping(uint256 requestId => RequestState) public stateOf;
    /// @inheritdoc IAIRiskOracle
    mapping(address account => uint256 amountWei) public refundOf;
    /// @inheritdoc IAIRiskOracle
    mapping(address user => uint256 used) public nonces;

    /// @notice Whether the model behind its answers may still answer: false after a roll-back.
    bool public modelActive = true;

    RequestState private _next;
    DeclineReason private _nextReason;
    Assessment private _nextAnswer;
    mapping(uint256 requestId => Assessment) private _answers;
    mapping(uint256 requestId => DeclineReason) private _reasons;
    mapping(uint256 requestId => uint40) private _declinedAt;
    mapping(address user => uint256[]) private _requestsOf;

    error NotMocked();

    constructor() {
        willStayPending();
    }

    // ----------------------------------------------------------- what it is told

    /// @notice Requests from now on are answered with this; times of zero become now and a day from now.
    function willAnswer(Assessment memory assessment) public {
        (_next, _nextAnswer) = (RequestState.Answered, assessment);
    }

    /// @notice Requests from now on are declined for this reason.
    function willDecline(DeclineReason reason) external {
        (_next, _nextReason) = (RequestState.Declined, reason);
    }

    /// @notice Requests from now on are not answered.
    function willStayPending() public {
        _next = RequestState.Pending;
    }

    function setFee(uint96 feeWei) external {
        fee = feeWei;
    }

    function setModelActive(bool active) external {
        modelActive = active;
    }

    /// @notice A borrower in good standing: a start for {willAnswer}.
    function goodAnswer() external pure returns (Assessment memory) {
        return Assessment(0, 8_500, 200, 300, 800, 180, 6_000, 8_000, 0, 0, 0, 1, false);
    }

    // -------------------------------------------------------------------- asking

    /// @inheritdoc IAIRiskOracle
    function requestAssessment(LoanTerms calldata terms, bytes32 dataCommitment) external payable returns (uint256) {
        return _request(msg.sender, terms, dataCommitment, fee, 0);
    }

    /// @inheritdoc IAIRiskOracle
    function requestAssessmentFor(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata
    ) external payable returns (uint256) {
        ++nonces[user];
        return _request(user, terms, dataCommitment, fee, 0);
    }

    /// @inheritdoc IAIRiskOracle
    function requestAssessmentWithCallback(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        Consent calldata,
        uint24 callbackGas
    ) external payable returns (uint256) {
        ++nonces[user];
        return _request(user, terms, dataCommitment, fee + callbackFee(callbackGas), callbackGas);
    }

    function _request(
        address user,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        uint256 price,
        uint24 callbackGas
    ) private returns (uint256 requestId) {
        if (msg.value != price) revert WrongFee(msg.value, price);
        requestId = ++requestCount;
        _requestsOf[user].push(requestId);
        stateOf[requestId] = _next;
        uint64 at = uint64(block.timestamp);
        uint64 block_ = uint64(block.number);
        emit AssessmentRequested(
            requestId,
            user,
            msg.sender,
            terms,
            dataCommitment,
            uint96(price),
            at,
            at + 600,
            block_
        );
        if (_next == RequestState.Declined) {
            (_reasons[requestId], _declinedAt[requestId]) = (_nextReason, uint40(block.timestamp));
            refundOf[msg.sender] += refundFor(uint96(price), _nextReason);
        }
        if (_next != RequestState.Answered) return requestId;
        Assessment memory a = _nextAnswer;
        if (a.issuedAt == 0) a.issuedAt = uint40(block.timestamp);
        if (a.expiresAt == 0) a.expiresAt = a.issuedAt + 1 days;
        a.privateData = dataCommitment != neutralCommitment;
        _answers[requestId] = a;
        emit AssessmentProvided(requestId, user, "mock", a);
        if (callbackGas > 0) IAssessmentReceiver(msg.sender).onAssessment{gas: callbackGas}(requestId, a);
    }

    /// @inheritdoc IAIRiskOracle
    function withdrawRefund(address to) external {
        uint256 amount = refundOf[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        refundOf[msg.sender] = 0;
        Address.sendValue(payable(to), amount);
    }

    // --------------------------------------------------------------------- views

    /// @inheritdoc IAIRiskOracle
    function assessmentOf(uint256 requestId) external view returns (Assessment memory) {
        if (stateOf[requestId] != RequestState.Answered) revert NotAnswered(requestId, stateOf[requestId]);
        return _answers[requestId];
    }

    /// @inheritdoc IAIRiskOracle
    function declineOf(uint256 requestId) external view returns (DeclineReason, uint40) {
        return (_reasons[requestId], _declinedAt[requestId]);
    }

    /// @inheritdoc IAIRiskOracle
    function refundFor(uint96 feeWei, DeclineReason reason) public pure returns (uint256) {
        bool caused = reason == DeclineReason.UnsupportedAsset || reason == DeclineReason.PrivateDataNotOpened;
        return caused || reason == DeclineReason.OperatorPolicy ? feeWei - feeWei / 10 : feeWei;
    }

    /// @inheritdoc IAIRiskOracle
    function recentRequests(address user) public view returns (uint256[5] memory ids) {
        uint256 count = _requestsOf[user].length;
        for (uint256 i = 0; i < 5 && i < count; ++i) ids[i] = _requestsOf[user][count - 1 - i];
    }

    /// @inheritdoc IAIRiskOracle
    function getAssessment(address user) public view returns (Assessment memory) {
        uint256[5] memory ids = recentRequests(user);
        for (uint256 i = 0; i < 5; ++i) {
            if (stateOf[ids[i]] == RequestState.Answered && !_answers[ids[i]].privateData) return _answers[ids[i]];
        }
        revert NoAssessment(user);
    }

    /// @inheritdoc IAIRiskOracle
    function isFresh(address user, uint256 maxAge) external view returns (bool) {
        try this.getAssessment(user) returns (Assessment memory a) {
            return block.timestamp < a.expiresAt && block.timestamp - a.issuedAt <= maxAge;
        } catch {
            return false;
        }
    }

    /// @inheritdoc IAIRiskOracle
    function riskCategory(address user) external view returns (uint8) {
        return _unexpired(user).category;
    }

    /// @inheritdoc IAIRiskOracle
    function riskScore(address user) external view returns (uint16) {
        return _unexpired(user).score;
    }

    /// @inheritdoc IAIRiskOracle
    function defaultProb(address user) external view returns (uint16) {
        return _unexpired(user).probabilityOfDefault;
    }

    /// @inheritdoc IAIRiskOracle
    function fraudLikelihood(address user) external view returns (uint16) {
        return _unexpired(user).fraudLikelihood;
    }

    /// @inheritdoc IAIRiskOracle
    function recommendedTerms(address user) external view returns (uint16, uint16, uint16) {
        Assessment memory a = _unexpired(user);
        return (a.interestRate, a.durationDays, a.maximumLtv);
    }

    /// @inheritdoc IAIRiskOracle
    function confidence(address user) external view returns (uint16) {
        return _unexpired(user).confidence;
    }

    function _unexpired(address user) private view returns (Assessment memory a) {
        a = getAssessment(user);
        if (block.timestamp >= a.expiresAt) revert AssessmentExpired(user, a.expiresAt);
    }

    /// @inheritdoc IAIRiskOracle
    function callbackFee(uint24 callbackGas) public pure returns (uint256) {
        return uint256(callbackGas) * 1 gwei;
    }

    /// @inheritdoc IAIRiskOracle
    function lifetimes() external pure returns (uint32, uint32) {
        return (600, 1 days);
    }

    /// @inheritdoc IAIRiskOracle
    function registry() external view returns (IModelRegistry) {
        return IModelRegistry(address(this));
    }

    /// @notice As its own registry: whether the model of an answer may still answer.
    function standingOf(uint16 index) external view returns (bool active, bool primary) {
        active = modelActive && index == 1;
        return (active, active);
    }

    /// @inheritdoc IAIRiskOracle
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"0f", "AIRiskOracle", "1", block.chainid, address(this), 0, new uint256[](0));
    }

    // ------------------------------------------------ what answers, and needs no mock

    /// @inheritdoc IAIRiskOracle
    function provideAssessment(Request calldata, Report calldata, bytes[] calldata, bytes calldata) external pure {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function provideAssessments(Answer[] calldata) external pure returns (uint256) {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function provideBatch(
        Request[] calldata,
        Batch calldata,
        bytes[] calldata,
        bytes calldata
    ) external pure returns (uint256) {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function declineAssessment(Request calldata, uint256, uint8, bytes[] calldata) external pure {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function cancelRequest(Request calldata, uint256) external pure {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function withdrawFees() external pure {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function reportDigest(Request calldata, Report calldata) external pure returns (bytes32) {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function batchDigest(Request[] calldata, Batch calldata) external pure returns (bytes32) {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function declineDigest(Request calldata, uint256, uint8) external pure returns (bytes32) {
        revert NotMocked();
    }

    /// @inheritdoc IAIRiskOracle
    function consentDigest(
        address user,
        address requester,
        LoanTerms calldata terms,
        bytes32 dataCommitment,
        uint64 validUntil
    ) external view returns (bytes32) {
        return keccak256(abi.encode(user, requester, terms, dataCommitment, nonces[user], validUntil));
    }
}
