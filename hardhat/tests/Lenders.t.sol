// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {TokenLender} from "../contracts/lending/TokenLender.sol";
import {NOBODY, anyOrder, openPolicy} from "./support/Loans.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {DollarToken, SettableFeed} from "./support/Tokens.sol";

/// @title What changes of policy, profits and losses do to the books that both lenders share
contract LendersTest is OracleFixture {
    uint256 private constant USD = 1e6;
    uint128 private constant PRINCIPAL = 1_000e6;
    uint128 private constant COLLATERAL = 1 ether;
    uint32 private constant DURATION = 30 days;
    uint256 private constant PROFIT = 100 * USD;

    DollarToken private token;
    SettableFeed private feed;
    TokenLender private pool;

    function setUp() public override {
        super.setUp();
        token = new DollarToken();
        feed = new SettableFeed(2_000e8, 8);
        pool = _pool(_policy(), 8_000);
        token.mint(address(this), 100_000 * USD);
        token.approve(address(pool), type(uint256).max);
        pool.deposit(50_000 * USD, address(this));
    }

    function _policy() private pure returns (ILendingDesk.Policy memory) {
        return openPolicy();
    }

    function _pool(ILendingDesk.Policy memory policy, uint16 liquidationLtv) private returns (TokenLender) {
        return
            Built.tokenLender(address(manager), oracle, NOBODY, policy, token, feed, liquidationLtv, type(uint32).max);
    }

    function _active() private returns (uint256 loanId) {
        ILendingDesk.Order memory order = anyOrder(PRINCIPAL, COLLATERAL, DURATION);
        IAIRiskOracle.LoanTerms memory terms = pool.judgedTerms(order);
        IAIRiskOracle.Consent memory consent = _consent(address(pool), terms, NEUTRAL);
        vm.prank(borrower);
        loanId = pool.requestLoan{value: uint256(COLLATERAL) + FEE}(order, NEUTRAL, consent);
        _answer(pool.loan(loanId).requestId, _logged(borrower, address(pool), terms), _lowOutputs());
        pool.settle(loanId);
    }

    /// @dev Wait until a loan owes this much interest, and repay it.
    /// @return ran how long it ran, seconds
    function _repayWithProfit(uint256 loanId, uint256 profit) private returns (uint256 ran) {
        uint256 perYear = (PRINCIPAL * uint256(pool.loan(loanId).interestRate)) / 10_000;
        ran = (profit * 365 days) / perYear;
        vm.warp(pool.loan(loanId).startedAt + ran);
        pool.repay(loanId, type(uint256).max);
    }

    function _refused(ILendingDesk.Policy memory policy, bytes memory name, uint256 value) private {
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, string(name), value));
        pool.setPolicy(policy);
    }

    function test_policy__when_it_grants_what_is_liquidated_at_once__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = _policy();
        policy.maximumLtv = 8_000;
        _refused(policy, "liquidationLtv", 8_000);
        policy.maximumLtv = 7_999;
        pool.setPolicy(policy);
        equal(pool.policy().maximumLtv, 7_999, "just under it");

        // Plain terms grant no more than the policy, so that they need no room of their own.
        policy.maximumLtv = 5_000;
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "liquidationLtv", 5_000));
        _pool(policy, 5_000);
        equal(_pool(policy, 5_001).LIQUIDATION_LTV(), 5_001, "above the policy's");
    }

    function test_liquidation_ltv__when_the_bonus_would_exceed_the_rest__then_it_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "liquidationLtv", 9_524));
        _pool(_policy(), 9_524);
        equal(_pool(_policy(), 9_523).LIQUIDATION_LTV(), 9_523, "its bonus is covered");
    }

    function test_policy__when_a_threshold_exceeds_the_full_scale__then_it_is_refused() public {
        ILendingDesk.Policy memory policy = _policy();
        policy.minimumScore = 10_001;
        _refused(policy, "minimumScore", 10_001);
        (policy.minimumScore, policy.minimumConfidence) = (10_000, 10_001);
        _refused(policy, "minimumConfidence", 10_001);
        policy.minimumConfidence = 10_000;
        pool.setPolicy(policy);
        equal(pool.policy().minimumScore, 10_000, "nobody but the best");
    }

    function test_policy__when_the_grace_is_shortened__then_running_loans_keep_theirs() public {
        uint256 loanId = _active();
        ILendingDesk.Policy memory policy = _policy();
        policy.gracePeriod = 0;
        pool.setPolicy(policy);
        uint256 from = block.timestamp + DURATION + 3 days + 1;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.LiquidationTooEarly.selector, loanId, from));
        pool.liquidate(loanId, type(uint256).max);
        vm.warp(from);
        pool.liquidate(loanId, type(uint256).max);

        uint256 next = _active();
        vm.warp(block.timestamp + DURATION + 1);
        pool.liquidate(next, type(uint256).max);
    }

    function test_loss__when_interest_is_locked__then_that_bears_it_first() public {
        uint256 repaid = _active();
        _repayWithProfit(repaid, PROFIT);
        _active();
        // All that is not lent out leaves, the locked interest with it: what is left owns the open loan's rest.
        pool.withdraw(pool.maxWithdraw(address(this)), address(this), address(this));
        equal(pool.cash(), 0, "all of it");
        equal(pool.lockedProfit(), PROFIT, "nobody's yet");
        equal(pool.totalAssets(), PRINCIPAL - PROFIT, "the rest of the open loan");

        feed.set(105e8);
        pool.liquidate(2, type(uint256).max);
        equal(pool.cash(), 100 * USD, "what the collateral was worth, less the bonus");
        equal(pool.lockedProfit(), 0, "borne");
        equal(pool.totalAssets(), 100 * USD, "all that is left is the lenders'");
        pool.withdraw(100 * USD - 1, address(this), address(this));
    }

    function test_loss__when_smaller_than_the_locked_interest__then_the_lenders_lose_nothing() public {
        uint256 loanId = _active();
        _repayWithProfit(_active(), PROFIT);
        uint256 assets = pool.totalAssets();
        // Worth 945: 900 are paid for the loan of 1,000.
        feed.set(945e8);
        pool.liquidate(loanId, type(uint256).max);
        equal(pool.lockedProfit(), 0, "a loss of 100 takes a locked profit of 100");
        equal(pool.totalAssets(), assets, "the lenders have what they had");
    }

    function test_profit__when_more_comes__then_what_was_locked_is_not_locked_anew() public {
        uint256 small = _active();
        uint256 large = _active();
        uint256 start = pool.loan(small).startedAt;
        uint256 ran = _repayWithProfit(large, PROFIT);
        uint256 rest = ran - (2 * ran) / 3;
        uint256 repaid = start + 2 * ran - rest;
        vm.warp(repaid);
        uint256 left = pool.lockedProfit();
        equal(left, (PROFIT * rest + ran - 1) / ran, "a third, rounded up");
        pool.repay(small, type(uint256).max);
        uint256 second = pool.lockedProfit() - left;
        // The time is the mean of what is left for the one and the whole for the other, weighted by amount.
        uint256 time = (left * rest + second * (repaid - start) + left + second - 1) / (left + second);
        vm.warp(repaid + time - 1);
        check(pool.lockedProfit() > 0, "a second before");
        vm.warp(repaid + time);
        equal(pool.lockedProfit(), 0, "all unlocked");
        check(time < repaid - start, "sooner than if all had begun anew");
    }

    function test_profit__when_the_last_of_it_is_unlocked__then_new_profit_takes_its_full_time() public {
        vm.warp(block.timestamp + _repayWithProfit(_active(), PROFIT));
        uint256 ran = _repayWithProfit(_active(), PROFIT);
        vm.warp(block.timestamp + ran - 1);
        equal(pool.lockedProfit(), (PROFIT + ran - 1) / ran, "one second's worth");
        vm.warp(block.timestamp + 1);
        equal(pool.lockedProfit(), 0, "none");
    }

    function test_deposit__when_it_would_buy_no_share__then_it_is_refused() public {
        _repayWithProfit(_active(), PROFIT);
        pool.redeem(pool.balanceOf(address(this)) - 1, address(this), address(this));
        // What was locked is the last share's and the virtual ones', and makes one dear.
        vm.warp(block.timestamp + 3_650 days);
        uint256 price = (pool.totalAssets() + 1) / 1_001;
        equal(pool.previewDeposit(price), 0, "just too little");
        vm.expectRevert(ILendingDesk.ZeroShares.selector);
        pool.deposit(price, address(this));
        equal(pool.deposit(price + 1, address(this)), 1, "one share");
    }
}
