// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "../../contracts/interfaces/IAssessmentReceiver.sol";
import {ProvenAnswers} from "./ProvenAnswers.sol";

/// @notice Asks and answers at random: requests of one's own, and of a contract that is called back; forged answers too.
abstract contract AskingWorld is ProvenAnswers, IAssessmentReceiver {
    struct Application {
        LendingKind kind;
        uint256 loanId;
        uint256 requestId;
        IAIRiskOracle.Request request;
    }

    enum LendingKind {
        None,
        Ether,
        Token
    }

    uint256 public requests;
    uint256 public ended;
    uint256 public feesOfPending;
    /// @notice Refusals of what must never be refused: who is owed may take, who owes may pay.
    uint256 public stuck;
    mapping(uint256 requestId => uint256) public timesEnded;
    mapping(uint256 requestId => bool) public wantsCallback;
    mapping(uint256 requestId => uint256) public timesTold;
    mapping(uint256 requestId => bytes32 assessmentHash) public told;
    Application[] private _applications;

    function theOracle() external view returns (IAIRiskOracle, uint256) {
        return (oracle, oracle.earnedFees());
    }

    // -------------------------------------------------------------- asking

    function ask() external {
        uint256 fee = oracle.fee();
        vm.deal(borrower, 10 ether);
        vm.prank(borrower);
        uint256 id = oracle.requestAssessment{value: fee}(_terms(), _commitment());
        _noted(LendingKind.None, 0, id, _requestOf(borrower, _terms()));
    }

    function askWithCallback() external {
        uint256 price = uint256(oracle.fee()) + oracle.callbackFee(200_000);
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), _commitment());
        uint256 id = oracle.requestAssessmentWithCallback{value: price}(
            borrower,
            _terms(),
            _commitment(),
            consent,
            200_000
        );
        IAIRiskOracle.Request memory request = _requestOf(address(this), _terms());
        request.fee = uint96(price);
        wantsCallback[id] = true;
        _noted(LendingKind.None, 0, id, request);
    }

    /// @inheritdoc IAssessmentReceiver
    function onAssessment(uint256 requestId, IAIRiskOracle.Assessment calldata assessment) external {
        if (msg.sender != address(oracle)) return;
        ++timesTold[requestId];
        told[requestId] = keccak256(abi.encode(assessment));
    }

    // ------------------------------------------------------------- answering

    function answer(uint256 which, uint256 mood, uint256 seed, bool inBatch) external {
        Application memory a = _pick(which);
        if (!_answerable(a)) return;
        if (_answerHonestly(a.request, a.requestId, _outputs(mood, seed), inBatch)) _ended(a);
    }

    function forge(uint256 which, uint256 mood, uint256 seed) external {
        Application memory a = _pick(which);
        if (!_answerable(a)) return;
        if (_answerForged(a.request, a.requestId, _outputs(mood, seed), seed)) _ended(a);
    }

    function decline(uint256 which, uint8 reason) external {
        Application memory a = _pick(which);
        if (oracle.stateOf(a.requestId) != IAIRiskOracle.RequestState.Pending) return;
        _decline(a.requestId, a.request, uint8(bound(reason, 1, 5)));
        _ended(a);
    }

    function cancel(uint256 which) external {
        Application memory a = _pick(which);
        try oracle.cancelRequest(a.request, a.requestId) {
            _ended(a);
        } catch {}
    }

    function withdrawFees() external {
        if (oracle.earnedFees() == 0) return;
        try oracle.withdrawFees() {} catch {
            ++stuck;
        }
    }

    function withdrawRefund(bool mine) external {
        address account = mine ? address(this) : borrower;
        if (oracle.refundOf(account) == 0) return;
        vm.prank(account);
        try oracle.withdrawRefund(account) {} catch {
            ++stuck;
        }
    }

    function changeFee(uint96 fee) external {
        oracle.setFees(uint96(bound(fee, 0, 1 ether)), uint96(fee % 1 gwei));
    }

    function pass(uint256 time) external {
        // Minutes leave requests open, days end loans.
        vm.warp(block.timestamp + bound(time, 1, time % 2 == 0 ? 4 minutes : 20 days));
    }

    // ---------------------------------------------------------------- help

    /// @dev A borrower of high, medium or low risk, of whom the low may borrow; or anything that a circuit can show.
    function _outputs(uint256 mood, uint256 seed) internal view virtual returns (int256[] memory outputs) {
        outputs =
            mood % 4 == 0
                ? _highOutputs()
                : mood % 4 == 1
                    ? _mediumOutputs()
                    : _lowOutputs();
        outputs[3] = int256(700 + (seed % 325));
        outputs[8] = int256(1 + (seed % 1_024));
        outputs[9] = int256(seed % 257);
        if (mood % 4 < 3) return outputs;
        for (uint256 i = 0; i < 10; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            int256 size = int256(uint256(uint128(random) >> 1) >> ((random >> 128) % 127));
            outputs[i] = random >> 255 == 0 ? size : -size;
        }
    }

    function _answerable(Application memory a) private view returns (bool) {
        bool pending = oracle.stateOf(a.requestId) == IAIRiskOracle.RequestState.Pending;
        return pending && block.timestamp <= a.request.deadline;
    }

    function _requestOf(
        address requester,
        IAIRiskOracle.LoanTerms memory terms
    ) internal view returns (IAIRiskOracle.Request memory request) {
        request = _logged(borrower, requester, terms);
        request.fee = oracle.fee();
        request.dataCommitment = _commitment();
    }

    /// @dev The commitment of a borrower who brings no private data.
    function _commitment() internal view virtual returns (bytes32) {
        return NEUTRAL;
    }

    function _noted(
        LendingKind kind,
        uint256 loanId,
        uint256 requestId,
        IAIRiskOracle.Request memory request
    ) internal {
        ++requests;
        feesOfPending += request.fee;
        _applications.push(Application(kind, loanId, requestId, request));
    }

    function _ended(Application memory a) private {
        ++ended;
        ++timesEnded[a.requestId];
        feesOfPending -= a.request.fee;
    }

    function _pick(uint256 which) internal view returns (Application memory) {
        vm.assume(_applications.length > 0);
        // The latest are the most interesting.
        uint256 last = _applications.length - 1;
        return _applications[last - (which % (last < 4 ? last + 1 : 4))];
    }
}
