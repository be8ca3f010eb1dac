// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AssessmentReceiver} from "../contracts/base/AssessmentReceiver.sol";
import {CreditPool} from "../contracts/examples/CreditPool.sol";
import {ToldLimits} from "../contracts/examples/ToldLimits.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {Applications} from "../contracts/lib/Applications.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @title The example that the documents show, used and attacked
contract ExampleTest is OracleFixture {
    uint256 private constant ROBBER_KEY = 0x0BBE7;

    CreditPool private pool;
    address private robber;

    function setUp() public override {
        super.setUp();
        pool = new CreditPool{value: 10 ether}(oracle);
        robber = vm.addr(ROBBER_KEY);
        vm.deal(robber, 10 ether);
    }

    function _asked(
        IAIRiskOracle.LoanTerms memory terms
    ) private returns (uint256 id, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.Consent memory consent = _consent(address(pool), terms, NEUTRAL);
        vm.prank(borrower);
        id = pool.ask{value: uint256(terms.collateral) + FEE}(terms, consent);
        request = _logged(borrower, address(pool), terms);
    }

    function _answered(int256[] memory outputs) private returns (uint256 id) {
        IAIRiskOracle.Request memory request;
        (id, request) = _asked(_terms());
        _answer(id, request, outputs);
    }

    function _refused(address who, uint256 id, IAIRiskOracle.LoanTerms memory terms) private {
        uint256 before = address(pool).balance;
        vm.prank(who);
        vm.expectRevert(abi.encodeWithSelector(Applications.NotAcceptable.selector, id));
        pool.take(id, terms);
        equal(address(pool).balance, before, "nothing paid");
    }

    function test_example__when_the_risk_is_low__then_it_lends_once() public {
        uint256 id = _answered(_lowOutputs());
        uint256 before = borrower.balance;
        vm.prank(borrower);
        pool.take(id, _terms());
        equal(borrower.balance, before + 1 ether, "the loan");
        _refused(borrower, id, _terms());
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(Applications.NotAsked.selector, id, borrower));
        pool.leave(id, _terms());
    }

    function test_example__when_refused_or_unanswered__then_the_collateral_goes_back_once() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _asked(_terms());
        _refused(borrower, id, _terms());
        _answer(id, request, _highOutputs());
        _refused(borrower, id, _terms());
        uint256 before = borrower.balance;
        vm.prank(borrower);
        pool.leave(id, _terms());
        equal(borrower.balance, before + 2 ether, "the collateral");
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(Applications.NotAsked.selector, id, borrower));
        pool.leave(id, _terms());
    }

    /// @dev The audit's first robbery: somebody else's good answer, and one's own about a wallet without a history.
    function test_example__when_the_answer_is_anothers__then_nothing_is_paid() public {
        uint256 id = _answered(_lowOutputs());
        _refused(robber, id, _terms());
        // Asked at the oracle itself, about the robber, and answered well: the pool never asked.
        vm.prank(robber);
        uint256 own = oracle.requestAssessment{value: FEE}(_terms(), NEUTRAL);
        _answer(own, _logged(robber, robber, _terms()), _lowOutputs());
        _refused(robber, own, _terms());
        _refused(robber, 0, _terms());
        _refused(robber, 99, _terms());
        vm.prank(robber);
        vm.expectRevert(abi.encodeWithSelector(Applications.NotAsked.selector, id, robber));
        pool.leave(id, _terms());
    }

    /// @dev The second: judged for one loan, taken for another.
    function test_example__when_the_terms_are_others__then_nothing_is_paid() public {
        uint256 id = _answered(_lowOutputs());
        for (uint256 i = 0; i < 3; ++i) {
            IAIRiskOracle.LoanTerms memory other = _terms();
            if (i == 0) other.principal = 9 ether;
            if (i == 1) other.collateral = 100 ether;
            if (i == 2) other.duration += 1;
            _refused(borrower, id, other);
            vm.prank(borrower);
            vm.expectRevert(abi.encodeWithSelector(Applications.NotAsked.selector, id, borrower));
            pool.leave(id, other);
        }
    }

    /// @dev The third: asked with nothing sent, so that the pool pays fee and collateral.
    function test_example__when_too_little_is_sent__then_the_pools_ether_is_not_spent() public {
        IAIRiskOracle.Consent memory consent = _consent(address(pool), _terms(), NEUTRAL);
        uint256[4] memory sent = [uint256(0), FEE, 2 ether, 2 ether + FEE - 1];
        for (uint256 i = 0; i < 4; ++i) {
            vm.prank(borrower);
            vm.expectRevert();
            pool.ask{value: sent[i]}(_terms(), consent);
        }
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(Applications.WrongFee.selector, uint256(FEE) + 1, FEE));
        pool.ask{value: 2 ether + FEE + 1}(_terms(), consent);
        equal(address(pool).balance, 10 ether, "nothing spent");
    }

    function test_example__when_the_tokens_are_worthless_ones__then_it_asks_nothing() public {
        IAIRiskOracle.LoanTerms memory terms = _terms();
        terms.collateralToken = address(0xBAD);
        IAIRiskOracle.Consent memory consent = _consent(address(pool), terms, NEUTRAL);
        vm.prank(borrower);
        vm.expectRevert(CreditPool.EtherOnly.selector);
        pool.ask{value: 2 ether + FEE}(terms, consent);
    }

    function test_example__when_any_number_misses__then_nothing_is_paid() public {
        for (uint256 i = 0; i < 5; ++i) {
            int256[] memory outputs = _lowOutputs();
            if (i == 0) outputs[8] = 511; // maximum LTV 49.9 %
            if (i == 1) outputs[3] = 716; // score 69.9 %
            if (i == 2) outputs[5] = 205; // fraud 20 %
            if (i == 3) outputs[9] = 102; // confidence 39.8 %
            if (i == 4) outputs[7] = 43; // 30 days, and not a day more
            uint256 id = _answered(outputs);
            if (i == 4) {
                vm.prank(borrower);
                pool.take(id, _terms());
            } else {
                _refused(borrower, id, _terms());
            }
        }
        int256[] memory shorter = _lowOutputs();
        shorter[7] = 42; // 29 days
        _refused(borrower, _answered(shorter), _terms());
    }

    function test_example__when_the_answer_is_old_or_its_model_gone__then_nothing_is_paid() public {
        uint256 id = _answered(_lowOutputs());
        uint256 answered = vm.snapshotState();
        vm.warp(_time() + 1 hours + 1);
        _refused(borrower, id, _terms());
        vm.revertToState(answered);
        oracle.setLifetimes(REQUEST_LIFETIME, 10);
        uint256 brief = _answered(_lowOutputs());
        vm.warp(_time() + 10);
        _refused(borrower, brief, _terms());
        vm.revertToState(answered);
        registry.propose("second", _spec(address(verifier)));
        vm.warp(_time() + TIMELOCK);
        registry.activate("second");
        id = _answered(_lowOutputs());
        registry.retire(MODEL);
        _refused(borrower, id, _terms());
    }

    function test_example__when_declined__then_the_fee_comes_back_to_the_pool() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _asked(_terms());
        _decline(id, request, 1);
        uint256 before = address(pool).balance;
        pool.fetchRefund();
        equal(address(pool).balance, before + FEE, "the fee");
    }

    function _told() private returns (ToldLimits limits, uint256 id, IAIRiskOracle.Request memory request) {
        limits = new ToldLimits(oracle);
        uint256 price = FEE + oracle.callbackFee(limits.CALLBACK_GAS());
        IAIRiskOracle.Consent memory consent = _consent(address(limits), _terms(), NEUTRAL);
        vm.deal(borrower, price);
        vm.prank(borrower);
        id = limits.ask{value: price}(_terms(), consent);
        request = _logged(borrower, address(limits), _terms());
        request.fee = uint96(price);
    }

    function test_told__when_answered__then_the_limit_is_the_answers_and_is_set_once() public {
        (ToldLimits limits, uint256 id, IAIRiskOracle.Request memory request) = _told();
        equal(limits.limitOf(borrower), 0, "nothing yet");
        equal(limits.awaited(id), borrower, "awaited");
        _answer(id, request, _lowOutputs());
        equal(limits.limitOf(borrower), oracle.assessmentOf(id).maximumLtv, "the answer's");
        check(limits.limitOf(borrower) > 0, "and not nothing");
        equal(limits.awaited(id), address(0), "no more");
        IAIRiskOracle.Assessment memory again = oracle.assessmentOf(id);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(AssessmentReceiver.NotAwaited.selector, id));
        limits.onAssessment(id, again);
    }

    function test_told__when_the_risk_is_high__then_the_limit_is_nothing() public {
        (ToldLimits limits, uint256 id, IAIRiskOracle.Request memory request) = _told();
        _answer(id, request, _highOutputs());
        equal(limits.awaited(id), address(0), "told");
        equal(limits.limitOf(borrower), 0, "no limit");
    }

    function test_told__by_anybody_else_or_of_another_request__then_refused() public {
        (ToldLimits limits, uint256 id, ) = _told();
        IAIRiskOracle.Assessment memory best;
        (best.maximumLtv, best.confidence) = (10_000, 10_000);
        vm.prank(robber);
        vm.expectRevert(abi.encodeWithSelector(AssessmentReceiver.NotTheOracle.selector, robber));
        limits.onAssessment(id, best);
        vm.prank(address(oracle));
        vm.expectRevert(abi.encodeWithSelector(AssessmentReceiver.NotAwaited.selector, id + 1));
        limits.onAssessment(id + 1, best);
        equal(limits.limitOf(borrower), 0, "nothing");
    }
}
