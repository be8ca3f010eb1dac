// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AIRiskOracle} from "../contracts/AIRiskOracle.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "../contracts/interfaces/IAssessmentReceiver.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @notice A requester whose callback does what its mode says.
contract Receiver is IAssessmentReceiver {
    enum Mode {
        Remember,
        Revert,
        BurnAllGas,
        ReturnBomb,
        Reenter,
        NeedAllGas
    }

    AIRiskOracle private immutable _oracle;
    Mode public mode;
    uint256 public calls;
    uint256 public lastRequest;
    IAIRiskOracle.Assessment public last;
    bytes public reentry;
    bool public reentered;
    uint24 public callbackGas = 200_000;

    constructor(AIRiskOracle oracle, Mode mode_) payable {
        _oracle = oracle;
        mode = mode_;
    }

    function ask(
        address user,
        IAIRiskOracle.LoanTerms calldata terms,
        bytes32 commitment,
        IAIRiskOracle.Consent calldata consent,
        uint256 value
    ) external returns (uint256) {
        return _oracle.requestAssessmentWithCallback{value: value}(user, terms, commitment, consent, callbackGas);
    }

    function need(uint24 gas_) external {
        callbackGas = gas_;
    }

    function prepare(bytes calldata call_) external {
        reentry = call_;
    }

    function onAssessment(uint256 requestId, IAIRiskOracle.Assessment calldata assessment) external {
        require(msg.sender == address(_oracle), "not the oracle");
        // A little went to finding this function and its arguments.
        if (mode == Mode.NeedAllGas) require(gasleft() > callbackGas - 10_000, "starved");
        ++calls;
        lastRequest = requestId;
        last = assessment;
        if (mode == Mode.Revert) revert("no");
        if (mode == Mode.BurnAllGas) while (true) ++calls;
        if (mode == Mode.ReturnBomb) {
            assembly {
                return(0, 100000)
            }
        }
        if (mode == Mode.Reenter) (reentered, ) = address(_oracle).call(reentry);
    }

    receive() external payable {}
}

contract CallbacksTest is OracleFixture {
    uint256 private constant PRICE = FEE + (FEE / 750_000) * 200_000;

    function _askWith(
        Receiver.Mode mode
    ) private returns (Receiver receiver, uint256 id, IAIRiskOracle.Request memory r) {
        receiver = new Receiver{value: 10 * FEE}(oracle, mode);
        IAIRiskOracle.Consent memory consent = _consent(address(receiver), _terms(), NEUTRAL);
        id = receiver.ask(borrower, _terms(), NEUTRAL, consent, PRICE);
        r = _logged(borrower, address(receiver), _terms());
        r.fee = uint96(PRICE);
    }

    function test_callback__when_asked_for__then_the_requester_hears_the_answer() public {
        (Receiver receiver, uint256 id, IAIRiskOracle.Request memory request) = _askWith(Receiver.Mode.Remember);
        check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Pending, "pending");
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        oracle.provideAssessment(request, report, signatures, proof);
        equal(receiver.calls(), 1, "called once");
        equal(receiver.lastRequest(), id, "about its request");
        (, uint16 score, , , , , , , , , , , ) = receiver.last();
        equal(score, 8_007, "with the answer");
        equal(oracle.earnedFees(), PRICE, "both fees are earned");
    }

    function test_callback__when_its_fee_is_missing__then_the_request_is_refused() public {
        Receiver receiver = new Receiver{value: 10 * FEE}(oracle, Receiver.Mode.Remember);
        IAIRiskOracle.Consent memory consent = _consent(address(receiver), _terms(), NEUTRAL);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.WrongFee.selector, FEE, PRICE));
        receiver.ask(borrower, _terms(), NEUTRAL, consent, FEE);
    }

    function test_callback__when_its_gas_is_out_of_range__then_the_request_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(this), _terms(), NEUTRAL);
        uint24[2] memory wrong = [uint24(0), 1_000_001];
        for (uint256 i = 0; i < 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.CallbackGasOutOfRange.selector, wrong[i], 1_000_000));
            oracle.requestAssessmentWithCallback{value: PRICE}(borrower, _terms(), NEUTRAL, consent, wrong[i]);
        }
        uint256 price = FEE + oracle.callbackFee(1_000_000);
        oracle.requestAssessmentWithCallback{value: price}(borrower, _terms(), NEUTRAL, consent, 1_000_000);
    }

    /// @dev Two fresh slots cost more than 200,000 after the next fork: whoever needs more asks and pays for more.
    function test_callback__when_more_gas_is_asked_and_paid_for__then_that_much_is_given() public {
        Receiver receiver = new Receiver(oracle, Receiver.Mode.NeedAllGas);
        receiver.need(600_000);
        uint256 price = FEE + oracle.callbackFee(600_000);
        equal(price, FEE + 600_000 * (FEE / 750_000), "by its gas");
        vm.deal(address(receiver), price);
        IAIRiskOracle.Consent memory consent = _consent(address(receiver), _terms(), NEUTRAL);
        uint256 id = receiver.ask(borrower, _terms(), NEUTRAL, consent, price);
        IAIRiskOracle.Request memory request = _logged(borrower, address(receiver), _terms());
        request.fee = uint96(price);
        _answer(id, request, _lowOutputs());
        equal(receiver.calls(), 1, "not starved");
    }

    function test_callback__when_not_asked_for__then_nobody_is_called() public {
        Receiver receiver = new Receiver(oracle, Receiver.Mode.Revert);
        vm.deal(address(receiver), FEE);
        vm.prank(address(receiver));
        uint256 id = oracle.requestAssessment{value: FEE}(_terms(), NEUTRAL);
        _answer(id, _logged(address(receiver), address(receiver), _terms()), _lowOutputs());
        equal(receiver.calls(), 0, "not called");
    }

    function test_callback__when_it_fails_in_any_way__then_the_answer_stands_and_says_so() public {
        for (uint256 mode = 1; mode <= 2; ++mode) {
            (Receiver receiver, uint256 id, IAIRiskOracle.Request memory request) = _askWith(Receiver.Mode(mode));
            IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
            bytes memory proof = _proof(request, report);
            bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
            vm.expectEmit();
            emit IAIRiskOracle.CallbackFailed(id, address(receiver));
            uint256 before = gasleft();
            oracle.provideAssessment(request, report, signatures, proof);
            check(before - gasleft() < 200_000 + 200_000, "the callback burns no more than its cap");
            check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Answered, "answered");
        }
    }

    function test_callback__when_it_returns_a_bomb__then_nobody_pays_for_copying_it() public {
        (, uint256 id, IAIRiskOracle.Request memory request) = _askWith(Receiver.Mode.ReturnBomb);
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        uint256 before = gasleft();
        oracle.provideAssessment(request, report, signatures, proof);
        check(before - gasleft() < 400_000, "gas");
        check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Answered, "answered");
    }

    function test_callback__when_the_sender_brings_too_little_gas__then_it_cannot_be_starved() public {
        (Receiver receiver, uint256 id, IAIRiskOracle.Request memory request) = _askWith(Receiver.Mode.NeedAllGas);
        IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
        bytes memory proof = _proof(request, report);
        bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
        // The least gas with which the answer is taken.
        uint256 low = 60_000;
        uint256 high = 700_000;
        while (low < high) {
            uint256 gas_ = (low + high) / 2;
            uint256 snapshot = vm.snapshotState();
            try oracle.provideAssessment{gas: gas_}(request, report, signatures, proof) {
                equal(receiver.calls(), 1, "an answer never comes without its callback");
                high = gas_;
            } catch {
                low = gas_ + 1;
            }
            vm.revertToState(snapshot);
        }
        check(high > 200_000 && high < 700_000, "a limit between");
        vm.expectPartialRevert(IAIRiskOracle.TooLittleGas.selector);
        oracle.provideAssessment{gas: high - 1}(request, report, signatures, proof);
    }

    /// @dev From inside the callback: the same answer again, a decline of it, a cancellation, a refund.
    function test_callback__when_it_reenters__then_nothing_more_happens() public {
        for (uint256 i = 0; i < 4; ++i) {
            (Receiver receiver, uint256 id, IAIRiskOracle.Request memory request) = _askWith(Receiver.Mode.Reenter);
            IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
            bytes memory proof = _proof(request, report);
            bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
            bytes[] memory refusals = _signatures(oracle.declineDigest(request, id, 5));
            bytes[4] memory calls = [
                abi.encodeCall(oracle.provideAssessment, (request, report, signatures, proof)),
                abi.encodeCall(oracle.declineAssessment, (request, id, 5, refusals)),
                abi.encodeCall(oracle.cancelRequest, (request, id)),
                abi.encodeCall(oracle.withdrawRefund, (address(receiver)))
            ];
            receiver.prepare(calls[i]);
            uint256 earned = oracle.earnedFees();
            uint256 balance = address(oracle).balance;
            oracle.provideAssessment(request, report, signatures, proof);
            equal(receiver.calls(), 1, "called once");
            check(!receiver.reentered(), "the inner call failed");
            equal(oracle.earnedFees(), earned + PRICE, "one fee");
            equal(address(oracle).balance, balance, "no money left");
        }
    }

    function test_many__when_all_hold__then_each_is_answered() public {
        IAIRiskOracle.Answer[] memory answers = _prepareMany(4);
        oracle.provideAssessments(answers);
        for (uint256 id = 1; id <= 4; ++id) {
            check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Answered, "answered");
        }
        equal(oracle.earnedFees(), 4 * FEE, "four fees");
    }

    function test_many__when_one_fails__then_none_is_answered() public {
        IAIRiskOracle.Answer[] memory answers = _prepareMany(3);
        answers[2].proof = hex"00";
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidProof.selector, MODEL));
        oracle.provideAssessments(answers);
        check(oracle.stateOf(1) == IAIRiskOracle.RequestState.Pending, "untouched");
    }

    function test_many__when_one_stands_twice__then_it_is_answered_once() public {
        IAIRiskOracle.Answer[] memory answers = _prepareMany(2);
        answers[1] = answers[0];
        vm.expectEmit();
        emit IAIRiskOracle.RequestSkipped(1, IAIRiskOracle.RequestState.Answered);
        equal(oracle.provideAssessments(answers), 1, "answered");
        equal(oracle.earnedFees(), FEE, "one fee");
    }

    /// @dev Anyone can copy an answer from the mempool, or cancel at the deadline: the rest of the batch stands.
    function test_many__when_some_ended_meanwhile__then_the_others_are_answered() public {
        IAIRiskOracle.Answer[] memory answers = _prepareMany(4);
        IAIRiskOracle.Answer memory copied = answers[3];
        vm.prank(address(0xBAD));
        oracle.provideAssessment(copied.request, copied.report, copied.signatures, copied.proof);
        _decline(2, answers[1].request, 1);
        equal(oracle.provideAssessments(answers), 2, "answered");
        check(oracle.stateOf(1) == IAIRiskOracle.RequestState.Answered, "the first");
        check(oracle.stateOf(2) == IAIRiskOracle.RequestState.Declined, "the second stays declined");
        check(oracle.stateOf(3) == IAIRiskOracle.RequestState.Answered, "the third");
        vm.expectRevert(IAIRiskOracle.NothingToAnswer.selector);
        oracle.provideAssessments(answers);
    }

    function test_many__when_one_expired__then_the_others_are_answered() public {
        IAIRiskOracle.Answer[] memory answers = new IAIRiskOracle.Answer[](2);
        answers[0] = _prepareMany(1)[0];
        vm.warp(uint256(answers[0].request.deadline) + 1);
        answers[1] = _prepareMany(1)[0];
        equal(oracle.provideAssessments(answers), 1, "answered");
        check(oracle.stateOf(1) == IAIRiskOracle.RequestState.Pending, "expired");
        check(oracle.stateOf(2) == IAIRiskOracle.RequestState.Answered, "the other");
    }

    /// @dev A request that was never made so is found before any proof is paid for.
    function test_many__when_one_is_another_request__then_it_is_refused_before_the_first_is_checked() public {
        IAIRiskOracle.Answer[] memory answers = _prepareMany(3);
        answers[2].request.fee += 1;
        // Reached, it would be refused for its proof.
        answers[0].proof = hex"00";
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.RequestMismatch.selector, 3));
        oracle.provideAssessments(answers);
    }

    function _prepareMany(uint256 count) private returns (IAIRiskOracle.Answer[] memory answers) {
        answers = new IAIRiskOracle.Answer[](count);
        for (uint256 i = 0; i < count; ++i) {
            (uint256 id, IAIRiskOracle.Request memory request) = _ask();
            IAIRiskOracle.Report memory report = _report(id, i % 2 == 0 ? _lowOutputs() : _highOutputs());
            bytes memory proof = _proof(request, report);
            bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
            answers[i] = IAIRiskOracle.Answer(request, report, signatures, proof);
        }
    }
}
