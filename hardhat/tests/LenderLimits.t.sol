// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {DeskFixture} from "./support/DeskFixture.sol";
import {openPolicy} from "./support/Loans.sol";

/// @title How much, how small, how short, how long and how dear: the limits of lender and borrower, at both lenders
contract LenderLimitsTest is DeskFixture {
    bytes32 private constant SECOND = keccak256("model two");

    function _repay(ILendingDesk desk, uint256 loanId) private {
        if (address(desk) == address(pool)) pool.repay{value: pool.owed(loanId)}(loanId);
        else lender.repay(loanId, type(uint256).max);
    }

    function _liquidate(ILendingDesk desk, uint256 loanId) private {
        if (address(desk) == address(pool)) pool.liquidate(loanId);
        else lender.liquidate(loanId, type(uint256).max);
    }

    // ---------------------------------------------------------------- exposure

    /// @dev The audit's case: twenty requests in one block, all answered well.
    function test_exposure__when_one_wallet_asks_twenty_times__then_the_limit_holds() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 each = _order(desk).principal;
            ILendingDesk.Policy memory policy = openPolicy();
            policy.borrowerLimit = uint128(3 * each);
            _setPolicy(policy);
            uint256 first = _book(desk).loanCount() + 1;
            for (uint256 j = 0; j < 20; ++j) _answered(desk, _lowOutputs());
            for (uint256 j = 0; j < 3; ++j) desk.settle(first + j);
            equal(desk.outstandingOf(borrower), 3 * each, "owes the limit");
            for (uint256 j = 3; j < 20; ++j) {
                vm.expectRevert(
                    abi.encodeWithSelector(ILendingDesk.BorrowerLimitExceeded.selector, borrower, 4 * each, 3 * each)
                );
                desk.settle(first + j);
            }
            // Plain terms know no other limit.
            uint256 loanId = _declined(desk, IAIRiskOracle.DeclineReason.HistoryUnavailable);
            _plainRefused(desk, loanId, ILendingDesk.BorrowerLimitExceeded.selector);

            _repay(desk, first);
            equal(desk.outstandingOf(borrower), 2 * each, "repaid");
            desk.settle(first + 3);
            vm.warp(_time() + 40 days);
            _liquidate(desk, first + 1);
            equal(desk.outstandingOf(borrower), 2 * each, "a default ends it too");
        }
    }

    function test_utilisation__when_the_limit_is_reached__then_no_more_is_lent() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 each = _order(desk).principal;
            ILendingDesk.Policy memory policy = openPolicy();
            policy.maximumUtilisation = 400; // 4 % of 50 ether, of 100,000 dollars
            _setPolicy(policy);
            _active(desk);
            _active(desk);
            uint256 third = _answered(desk, _lowOutputs());
            uint256 limit = (2 * each * 10_000) / 10_000;
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.UtilisationExceeded.selector, 3 * each, limit));
            desk.settle(third);
            vm.prank(borrower);
            desk.withdrawApplication(third);
        }
    }

    function test_request__when_below_the_minimums__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = openPolicy();
        (policy.minimumPrincipal, policy.minimumDuration) = (1_000, 2 days);
        _setPolicy(policy);
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            ILendingDesk.Order memory order = _order(desk);
            order.principal = 999;
            _belowMinimum(desk, order, "principal", 999, 1_000);
            order = _order(desk);
            order.duration = 2 days - 1;
            _belowMinimum(desk, order, "duration", 2 days - 1, 2 days);
            order.duration = 2 days;
            order.principal = 1_000;
            policy.plainDuration = 2 days;
            _setPolicy(policy);
            desk.settle(_answered(desk, order, _lowOutputs()));
        }
    }

    function _belowMinimum(
        ILendingDesk desk,
        ILendingDesk.Order memory order,
        string memory name,
        uint256 value,
        uint256 minimum
    ) private {
        bytes32 neutral = oracle.neutralCommitment();
        (IAIRiskOracle.Consent memory consent, ) = _request(desk, order, neutral);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.BelowMinimum.selector, name, value, minimum));
        vm.prank(borrower);
        desk.requestLoan{value: uint256(order.collateral) + FEE}(order, neutral, consent);
    }

    function test_grant__when_less_than_the_minimum_is_left__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.minimumPrincipal = 0.5 ether;
        pool.setPolicy(policy);
        ILendingDesk.Order memory order = _order(pool);
        order.collateral = 0.7 ether;
        uint256 loanId = _answered(pool, order, _lowOutputs());
        pool.settle(loanId);
        _state(pool, loanId, ILendingDesk.LoanState.Refused);
        uint256 plain = _declined(pool, IAIRiskOracle.DeclineReason.HistoryUnavailable);
        policy.refusalCooldown = 1;
        pool.setPolicy(policy);
        vm.warp(_time() + 30 days);
        _plainRefused(pool, plain, ILendingDesk.BelowMinimum.selector);

        policy = openPolicy();
        (policy.minimumDuration, policy.plainDuration) = (20 days, 20 days);
        pool.setPolicy(policy);
        int256[] memory outputs = _lowOutputs();
        outputs[7] = 29; // 20 days
        order = _order(pool);
        loanId = _answered(pool, order, outputs);
        pool.settle(loanId);
        _state(pool, loanId, ILendingDesk.LoanState.Active);
        policy.maximumDuration = 20 days;
        pool.setPolicy(policy);
        loanId = _answered(pool, order, outputs);
        (policy.minimumDuration, policy.plainDuration, policy.maximumDuration) = (21 days, 21 days, 180 days);
        pool.setPolicy(policy);
        pool.settle(loanId);
        _state(pool, loanId, ILendingDesk.LoanState.Refused);
    }

    function test_grant__when_the_minimum_duration_grew_past_what_was_asked__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = openPolicy();
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            _setPolicy(openPolicy());
            ILendingDesk.Order memory order = _order(desk);
            order.duration = 20 days;
            uint256 loanId = _answered(desk, order, _lowOutputs());
            // The model would give longer, and so do plain terms: only what was asked for is too short.
            (policy.minimumDuration, policy.plainDuration) = (21 days, 21 days);
            _setPolicy(policy);
            desk.settle(loanId);
            _state(desk, loanId, ILendingDesk.LoanState.Refused);
        }
    }

    function test_request__when_the_value_is_not_collateral_and_fee__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            ILendingDesk.Order memory order = _order(desk);
            bytes32 neutral = oracle.neutralCommitment();
            (IAIRiskOracle.Consent memory consent, ) = _request(desk, order, neutral);
            uint256 right = uint256(COLLATERAL) + FEE;
            for (uint256 value = right - 1; value <= right + 1; value += 2) {
                vm.prank(borrower);
                vm.expectRevert(abi.encodeWithSelector(ILendingDesk.WrongValue.selector, value, right));
                desk.requestLoan{value: value}(order, neutral, consent);
            }
        }
    }

    // ------------------------------------------------- what was judged is what is paid

    function test_terms__when_judged__then_the_grace_is_judged_too() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            ILendingDesk.Order memory order = _order(desk);
            IAIRiskOracle.LoanTerms memory terms = desk.judgedTerms(order);
            equal(terms.duration, DURATION + 3 days, "with its grace");
            equal(terms.principal, order.principal, "principal");
            equal(terms.collateral, COLLATERAL, "collateral");
            order.duration = 8 days;
            equal(desk.judgedTerms(order).duration, 10 days, "a quarter at most");
            uint256 loanId = _answered(desk, order, _lowOutputs());
            desk.settle(loanId);
            equal(desk.loan(loanId).gracePeriod, 2 days, "which is then given");
        }
    }

    /// @dev The model grants less time than was asked: the grace shrinks with it.
    function test_grace__when_the_loan_is_granted_shorter__then_it_is_a_part_of_that() public {
        int256[] memory outputs = _lowOutputs();
        outputs[7] = 12; // 8 days
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _answered(desk, outputs);
            desk.settle(loanId);
            equal(desk.loan(loanId).duration, 8 days, "granted");
            equal(desk.loan(loanId).gracePeriod, 2 days, "a quarter");
        }
    }

    function test_late_rate__when_the_loan_is_overdue__then_it_is_added_from_maturity_on() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.lateInterestRate = 2_000;
        _setPolicy(policy);
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 loanId = _active(desk);
            // A loan that runs keeps the rate that it was paid out with.
            policy.lateInterestRate = 9_000;
            _setPolicy(policy);
            _owesAfter(desk, loanId, 0, "not yet");
            _owesAfter(desk, loanId, 1, "one second of it");
            _owesAfter(desk, loanId, 100 days, "a hundred days of it");
            _repay(desk, loanId);
            policy.lateInterestRate = 2_000;
            _setPolicy(policy);
        }
    }

    function _owesAfter(ILendingDesk desk, uint256 loanId, uint256 late, string memory what) private {
        ILendingDesk.Loan memory l = desk.loan(loanId);
        vm.warp(l.dueAt + late);
        uint256 weight = uint256(l.principal) * (625 * (DURATION + late) + 2_000 * late);
        equal(desk.owed(loanId), l.principal + _ceil(weight), what);
    }

    function _ceil(uint256 weighted) private pure returns (uint256) {
        return (weighted + 10_000 * 365 days - 1) / (10_000 * 365 days);
    }

    function test_settle__when_the_answer_is_older_than_the_policy_likes__then_it_approves_no_more() public {
        ILendingDesk.Policy memory policy = openPolicy();
        policy.maximumAnswerAge = 1 hours;
        _setPolicy(policy);
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 late = _answered(desk, _lowOutputs());
            uint256 inTime = _answered(desk, _lowOutputs());
            uint256 bad = _answered(desk, _highOutputs());
            uint256 answeredAt = oracle.assessmentOf(desk.loan(late).requestId).issuedAt;
            vm.warp(answeredAt + 1 hours - 1);
            desk.settle(inTime);
            vm.warp(answeredAt + 1 hours);
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.AnswerStale.selector, late, answeredAt + 1 hours));
            desk.settle(late);
            desk.settle(bad);
            _state(desk, bad, ILendingDesk.LoanState.Refused);
        }
    }

    /// @dev The audit's case: asked at 50 % of the value; at 70 % of it, a day later, all of it was paid.
    function test_settle__when_the_price_fell_since_the_request__then_less_is_paid_in_proportion() public {
        ILendingDesk.Order memory order = _order(lender); // 2,000 dollars on two ether at 2,000
        uint256 loanId = _answered(lender, order, _lowOutputs());
        feed.set(1_430e8);
        lender.settle(loanId);
        equal(lender.loan(loanId).principal, 1_430 * DOLLARS, "still 50 %");

        feed.set(2_000e8);
        loanId = _answered(lender, order, _lowOutputs());
        feed.set(4_000e8);
        lender.settle(loanId);
        equal(lender.loan(loanId).principal, 2_000 * DOLLARS, "no more than was asked");

        feed.set(2_000e8);
        order.principal = uint128(300 * DOLLARS);
        (loanId, ) = _apply(lender, order);
        vm.warp(uint256(lender.loan(loanId).answerBy) + 1);
        feed.set(1_500e8);
        _takePlain(lender, loanId);
        equal(lender.loan(loanId).principal, 225 * DOLLARS, "plain terms too");

        feed.set(2_000e8);
        loanId = _answered(lender, _order(lender), _mediumOutputs());
        lender.settle(loanId);
        feed.set(1_500e8);
        lender.approveReviewed(loanId);
        equal(lender.loan(loanId).principal, 1_500 * DOLLARS, "and a review");
    }

    // ------------------------------------------------------------------- models

    function test_settle__when_the_answering_model_was_rolled_back__then_its_answers_do_nothing() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 state = vm.snapshotState();
            uint256 good = _proven(desk, "low");
            uint256 bad = _proven(desk, "high");
            registry.rollBack();
            uint16 index = registry.model(realModel).index;
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.ModelNotTrusted.selector, good, index));
            desk.settle(good);
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.ModelNotTrusted.selector, bad, index));
            desk.settle(bad);
            _plainRefused(desk, good, ILendingDesk.AnswerStands.selector);
            vm.prank(borrower);
            desk.withdrawApplication(good);
            vm.revertToState(state);
        }
    }

    function test_settle__when_the_policy_asks_for_the_primary__then_the_shadow_approves_nothing() public {
        ILendingDesk.Policy memory policy = openPolicy();
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            // The real model is the primary, the first one its shadow.
            uint256 byShadow = _answered(desk, _lowOutputs());
            policy.primaryOnly = true;
            _setPolicy(policy);
            vm.expectRevert(abi.encodeWithSelector(ILendingDesk.ModelNotTrusted.selector, byShadow, 1));
            desk.settle(byShadow);
            uint256 byPrimary = _proven(desk, "low");
            desk.settle(byPrimary);
            _state(desk, byPrimary, ILendingDesk.LoanState.Active);
            policy.primaryOnly = false;
            _setPolicy(policy);
            desk.settle(byShadow);
        }
    }

    // -------------------------------------------------------- the borrower's limits

    /// @dev The audit's case: a stranger settles for a fiftieth of what was asked, for a day, at 30 %.
    function test_settle__when_it_would_bind_the_borrower_to_less__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            for (uint256 limit = 0; limit < 3; ++limit) {
                ILendingDesk.Order memory order = _order(desk);
                if (limit == 0) order.minimumPrincipal = order.principal;
                if (limit == 1) order.minimumDuration = 20 days;
                if (limit == 2) order.maximumRate = 624;
                int256[] memory outputs = _lowOutputs();
                if (limit == 0) outputs[8] = 511; // 49.9 %
                if (limit == 1) outputs[7] = 28; // 19 days
                uint256 loanId = _answered(desk, order, outputs);
                vm.expectPartialRevert(ILendingDesk.OutsideBorrowersLimits.selector);
                desk.settle(loanId);
                _state(desk, loanId, ILendingDesk.LoanState.Requested);
                outputs = _lowOutputs();
                if (limit == 0) outputs[8] = 512;
                if (limit == 1) outputs[7] = 29; // 20 days
                if (limit == 2) order.maximumRate = 625;
                loanId = _answered(desk, order, outputs);
                desk.settle(loanId);
                _state(desk, loanId, ILendingDesk.LoanState.Active);
            }
        }
    }

    function test_review__when_it_would_bind_the_borrower_to_less__then_it_is_refused() public {
        ILendingDesk.Order memory order = _order(pool);
        order.maximumRate = 600;
        uint256 loanId = _answered(pool, order, _mediumOutputs());
        pool.settle(loanId);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILendingDesk.OutsideBorrowersLimits.selector,
                loanId,
                order.principal,
                625,
                uint256(DURATION)
            )
        );
        pool.approveReviewed(loanId);
        vm.prank(borrower);
        pool.withdrawApplication(loanId);
    }

    // ---------------------------------------------------------------- liquidation

    function test_liquidate__when_an_ether_loan_is_late__then_whoever_does_it_earns() public {
        uint256 loanId = _active(pool);
        ILendingDesk.Loan memory l = pool.loan(loanId);
        vm.warp(uint256(l.dueAt) + l.gracePeriod + 1);
        uint256 due = pool.owed(loanId);
        address stranger = address(0x57A6);
        vm.prank(stranger);
        pool.liquidate(loanId);
        uint256 bonus = COLLATERAL / 100;
        equal(stranger.balance, bonus, "one part in a hundred of the collateral");
        equal(pool.cash(), 49 ether + due, "the pool is whole");
        equal(pool.claimable(borrower), COLLATERAL - due - bonus, "the rest is the borrower's");
    }

    function test_liquidate__when_whoever_does_it_takes_no_ether__then_the_bonus_is_credited() public {
        uint256 loanId = _active(pool);
        vm.warp(_time() + 40 days);
        vm.etch(address(0x57A6), hex"5f5ffd");
        vm.prank(address(0x57A6));
        pool.liquidate(loanId);
        equal(pool.claimable(address(0x57A6)), COLLATERAL / 100, "waits to be claimed");
    }
}
