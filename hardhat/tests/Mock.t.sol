// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {CreditPool} from "../contracts/examples/CreditPool.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IAssessmentReceiver} from "../contracts/interfaces/IAssessmentReceiver.sol";
import {Applications} from "../contracts/lib/Applications.sol";
import {MockAIRiskOracle} from "../contracts/mocks/MockAIRiskOracle.sol";
import {Checks} from "./support/Vm.sol";

/// @title The oracle that is told what it answers: as an integrator's tests use it
contract MockTest is Checks, IAssessmentReceiver {
    MockAIRiskOracle private mock;
    CreditPool private pool;
    uint256 private told;

    function setUp() public {
        vm.warp(1_800_000_000);
        mock = new MockAIRiskOracle();
        pool = new CreditPool{value: 10 ether}(mock);
    }

    function onAssessment(uint256 requestId, IAIRiskOracle.Assessment calldata) external {
        told = requestId;
    }

    function _terms() private pure returns (IAIRiskOracle.LoanTerms memory) {
        return IAIRiskOracle.LoanTerms(address(0), 1 ether, address(0), 2 ether, 30 days);
    }

    function _ask() private returns (uint256 id) {
        return pool.ask{value: 2 ether + mock.fee()}(_terms(), IAIRiskOracle.Consent(type(uint64).max, ""));
    }

    function test_mock__when_told_a_good_answer__then_the_pool_lends() public {
        mock.willAnswer(mock.goodAnswer());
        uint256 id = _ask();
        check(mock.stateOf(id) == IAIRiskOracle.RequestState.Answered, "answered");
        equal(mock.riskScore(address(this)), 8_500, "about this wallet");
        check(mock.isFresh(address(this), 0), "now");
        uint256 before = address(this).balance;
        pool.take(id, _terms());
        equal(address(this).balance, before + 1 ether, "paid");
        vm.warp(block.timestamp + 1 days);
        vm.expectPartialRevert(IAIRiskOracle.AssessmentExpired.selector);
        mock.riskScore(address(this));
    }

    function test_mock__when_told_a_bad_one_or_rolled_back__then_the_pool_refuses() public {
        IAIRiskOracle.Assessment memory bad = mock.goodAnswer();
        bad.category = 2;
        mock.willAnswer(bad);
        uint256 id = _ask();
        vm.expectRevert(abi.encodeWithSelector(Applications.NotAcceptable.selector, id));
        pool.take(id, _terms());
        mock.willAnswer(mock.goodAnswer());
        id = _ask();
        mock.setModelActive(false);
        vm.expectRevert(abi.encodeWithSelector(Applications.NotAcceptable.selector, id));
        pool.take(id, _terms());
    }

    function test_mock__when_told_to_decline_or_to_wait__then_it_does() public {
        mock.willDecline(IAIRiskOracle.DeclineReason.OperatorPolicy);
        uint256 id = _ask();
        (IAIRiskOracle.DeclineReason reason, ) = mock.declineOf(id);
        check(reason == IAIRiskOracle.DeclineReason.OperatorPolicy, "why");
        uint256 before = address(pool).balance;
        pool.fetchRefund();
        equal(address(pool).balance, before + mock.fee() - mock.fee() / 10, "all but a tenth");
        mock.willStayPending();
        mock.setFee(1 ether);
        id = _ask();
        check(mock.stateOf(id) == IAIRiskOracle.RequestState.Pending, "waits");
        vm.expectPartialRevert(IAIRiskOracle.NotAnswered.selector);
        mock.assessmentOf(id);
        vm.expectPartialRevert(IAIRiskOracle.NoAssessment.selector);
        mock.getAssessment(address(this));
        equal(mock.recentRequests(address(this))[0], id, "the newest");
        equal(mock.nonces(address(this)), 2, "consents used");
    }

    function test_mock__when_a_callback_is_wanted__then_it_comes() public {
        mock.willAnswer(mock.goodAnswer());
        uint256 price = mock.fee() + mock.callbackFee(100_000);
        IAIRiskOracle.Consent memory consent;
        uint256 id = mock.requestAssessmentWithCallback{value: price}(address(this), _terms(), 0, consent, 100_000);
        equal(told, id, "told");
    }

    receive() external payable {}
}
