// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {IPriceFeed} from "../contracts/interfaces/IPriceFeed.sol";
import {TokenLender} from "../contracts/lending/TokenLender.sol";
import {NOBODY, anyOrder, openPolicy} from "./support/Loans.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {DollarToken, SettableFeed} from "./support/Tokens.sol";

contract TokenLenderTest is OracleFixture {
    uint256 private constant USD = 1e6;
    uint128 private constant PRINCIPAL = 1_000e6;
    uint128 private constant COLLATERAL = 1 ether;
    uint32 private constant DURATION = 30 days;
    uint24 private constant GRACE = 3 days;
    uint32 private constant PRICE_AGE = 100 days;

    DollarToken private token;
    SettableFeed private feed;
    TokenLender private pool;

    function setUp() public override {
        super.setUp();
        token = new DollarToken();
        feed = new SettableFeed(2_000e8, 8);
        pool = Built.tokenLender(address(manager), oracle, NOBODY, _policy(), token, feed, 8_000, PRICE_AGE);
        token.mint(address(this), 100_000 * USD);
        token.approve(address(pool), type(uint256).max);
        pool.deposit(50_000 * USD, address(this));
    }

    function _policy() private pure returns (ILendingDesk.Policy memory) {
        return openPolicy();
    }

    function _apply(uint128 principal) private returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.LoanTerms memory terms = pool.judgedTerms(anyOrder(principal, COLLATERAL, DURATION));
        IAIRiskOracle.Consent memory consent = _consent(address(pool), terms, NEUTRAL);
        vm.prank(borrower);
        loanId = pool.requestLoan{value: uint256(COLLATERAL) + FEE}(
            anyOrder(principal, COLLATERAL, DURATION),
            NEUTRAL,
            consent
        );
        request = _logged(borrower, address(pool), terms);
    }

    function _active(uint128 principal) private returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply(principal);
        _answer(pool.loan(loanId).requestId, request, _lowOutputs());
        pool.settle(loanId);
    }

    function _solvent() private view {
        check(token.balanceOf(address(pool)) == pool.cash(), "tokens are the lenders' cash");
        check(
            address(pool).balance + oracle.refundOf(address(pool)) == pool.collateralHeld() + pool.totalClaimable(),
            "ether is collateral or credited"
        );
    }

    function test_deposit__when_made__then_shares_are_worth_it_and_it_can_leave() public {
        equal(pool.totalAssets(), 50_000 * USD, "assets");
        equal(pool.convertToAssets(pool.balanceOf(address(this))), 50_000 * USD, "shares");
        equal(pool.decimals(), 9, "six and three virtual");
        uint256 shares = pool.withdraw(10_000 * USD, address(this), address(this));
        equal(shares, 10_000 * USD * 1_000, "burnt");
        equal(pool.cash(), 40_000 * USD, "cash");
        _solvent();
    }

    function test_deposit__when_the_token_takes_a_fee__then_it_is_refused() public {
        token.takeFee(100);
        vm.expectRevert(abi.encodeWithSelector(TokenLender.TransferFell.selector, 99 * USD, 100 * USD));
        pool.deposit(100 * USD, address(this));
    }

    function test_settle__when_the_risk_is_low__then_tokens_are_paid_and_ether_is_held() public {
        uint256 loanId = _active(PRINCIPAL);
        equal(token.balanceOf(borrower), PRINCIPAL, "paid out");
        equal(pool.collateralHeld(), COLLATERAL, "held");
        equal(pool.totalAssets(), 50_000 * USD, "assets unchanged");
        equal(pool.loan(loanId).interestRate, 625, "the model's rate");
        _solvent();
    }

    function test_settle__when_more_is_asked_than_the_ltv_allows__then_the_cap_is_paid() public {
        uint256 loanId = _active(5_000e6);
        equal(pool.loan(loanId).principal, 1_400 * USD, "70 % of 2,000 dollars");
    }

    function test_settle__when_the_price_is_stale_or_senseless__then_it_waits() public {
        (uint256 loanId, IAIRiskOracle.Request memory request) = _apply(PRINCIPAL);
        _answer(1, request, _lowOutputs());
        feed.set(0);
        vm.expectRevert(abi.encodeWithSelector(TokenLender.PriceNotPositive.selector, int256(0)));
        pool.settle(loanId);
        feed.set(-1);
        vm.expectRevert(abi.encodeWithSelector(TokenLender.PriceNotPositive.selector, int256(-1)));
        pool.settle(loanId);
        TokenLender strict = Built.tokenLender(address(manager), oracle, NOBODY, _policy(), token, feed, 8_000, 10);
        check(strict.MAXIMUM_PRICE_AGE() == 10, "age");
        feed.set(2_000e8);
        // Asked of the feed: the compiler takes the block's time for a constant.
        (, , , uint256 updatedAt, ) = feed.latestRoundData();
        vm.prank(borrower);
        pool.withdrawApplication(loanId);
        equal(pool.claimable(borrower), COLLATERAL, "collateral is never stuck behind a price");
        (loanId, ) = _apply(PRINCIPAL);
        vm.warp(updatedAt + PRICE_AGE);
        vm.prank(borrower);
        pool.takePlainTerms(loanId);
        (loanId, ) = _apply(PRINCIPAL);
        vm.warp(updatedAt + PRICE_AGE + 1 hours);
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(TokenLender.PriceStale.selector, updatedAt, PRICE_AGE));
        pool.takePlainTerms(loanId);
    }

    function test_plain_terms__when_taken__then_the_value_of_the_collateral_counts() public {
        (uint256 loanId, ) = _apply(5_000e6);
        vm.warp(uint256(pool.loan(loanId).answerBy) + 1);
        vm.prank(borrower);
        pool.takePlainTerms(loanId);
        equal(pool.loan(loanId).principal, 200e6, "10 % of 2,000 dollars");
    }

    function test_repay__when_on_time__then_the_ether_comes_back() public {
        uint256 loanId = _active(PRINCIPAL);
        vm.warp(block.timestamp + DURATION);
        uint256 due = pool.owed(loanId);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.PaymentTooSmall.selector, due - 1, due));
        pool.repay(loanId, due - 1);
        uint256 before = token.balanceOf(address(this));
        vm.expectEmit();
        emit ILendingDesk.LoanRepaid(loanId, borrower, due, false);
        pool.repay(loanId, due + 1);
        equal(token.balanceOf(address(this)), before - due, "exactly what is due");
        equal(pool.claimable(borrower), COLLATERAL, "credited");
        equal(pool.cash(), 49_000 * USD + due, "cash");
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.repay(loanId, due);
        _solvent();
    }

    function test_liquidate__when_late_beyond_grace__then_the_liquidator_is_paid_in_ether() public {
        uint256 loanId = _active(PRINCIPAL);
        uint256 from = block.timestamp + DURATION + GRACE + 1;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.LiquidationTooEarly.selector, loanId, from));
        pool.liquidate(loanId, type(uint256).max);
        vm.warp(from);
        uint256 due = pool.owed(loanId);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.PaymentTooSmall.selector, due - 1, due));
        pool.liquidate(loanId, due - 1);
        uint256 before = address(this).balance;
        pool.liquidate(loanId, due);
        uint256 seized = (uint256(COLLATERAL) * ((due * 10_500) / 10_000)) / (2_000 * USD);
        equal(address(this).balance, before + seized, "debt's worth of ether and 5 %");
        equal(pool.claimable(borrower), COLLATERAL - seized, "the rest goes back");
        equal(pool.cash(), 49_000 * USD + due, "the pool is whole");
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.liquidate(loanId, due);
        _solvent();
    }

    function test_liquidate__when_the_price_fell__then_before_maturity_too() public {
        uint256 loanId = _active(PRINCIPAL);
        feed.set(1_250e8);
        vm.expectPartialRevert(ILendingDesk.LiquidationTooEarly.selector);
        pool.liquidate(loanId, type(uint256).max);
        feed.set(1_249e8);
        pool.liquidate(loanId, type(uint256).max);
        equal(pool.cash(), 50_000 * USD, "whole at once");
        _solvent();
    }

    function test_liquidate__when_the_collateral_is_worth_less__then_all_of_it_goes_and_the_lenders_bear_the_rest()
        public
    {
        uint256 loanId = _active(PRINCIPAL);
        feed.set(525e8);
        uint256 before = address(this).balance;
        pool.liquidate(loanId, type(uint256).max);
        equal(address(this).balance, before + COLLATERAL, "all the ether");
        equal(pool.totalAssets(), 49_500 * USD, "500 recovered of 1,000");
        equal(pool.claimable(borrower), 0, "nothing left");
        _solvent();
    }

    /// @dev A token whose fee is switched on while loans run (USDT's contract can) freezes nothing: who pays adds it.
    function test_repay__when_the_token_began_to_take_a_fee__then_the_payer_adds_it() public {
        uint256 loanId = _active(PRINCIPAL);
        vm.warp(block.timestamp + DURATION);
        uint256 due = pool.owed(loanId);
        token.takeFee(10);
        vm.expectPartialRevert(ILendingDesk.PaymentTooSmall.selector);
        pool.repay(loanId, due);
        uint256 before = token.balanceOf(address(this));
        pool.repay(loanId, due + due / 900);
        uint256 paid = before - token.balanceOf(address(this));
        check(paid > due && paid <= due + due / 990, "with the fee on top");
        check(pool.cash() >= 49_000 * USD + due && pool.cash() <= 49_000 * USD + due + 2, "the lenders are whole");
        equal(pool.claimable(borrower), COLLATERAL, "the collateral is free");
        _solvent();
    }

    function test_liquidate__when_the_token_began_to_take_a_fee__then_the_liquidator_adds_it() public {
        uint256 loanId = _active(PRINCIPAL);
        uint256 from = uint256(pool.loan(loanId).dueAt) + GRACE + 1;
        vm.warp(from);
        uint256 due = pool.owed(loanId);
        token.takeFee(500);
        vm.expectPartialRevert(ILendingDesk.PaymentTooSmall.selector);
        pool.liquidate(loanId, due);
        pool.liquidate(loanId, (due * 106) / 100);
        check(pool.cash() >= 49_000 * USD + due && pool.cash() <= 49_000 * USD + due + 2, "the lenders are whole");
        _solvent();
    }

    function test_repay__when_nothing_arrives__then_it_is_refused() public {
        uint256 loanId = _active(PRINCIPAL);
        token.takeFee(10_000);
        vm.expectRevert(abi.encodeWithSelector(TokenLender.TransferFell.selector, 0, PRINCIPAL));
        pool.repay(loanId, type(uint256).max);
    }

    function test_repay__when_the_fee_rises_between_its_transfers__then_it_is_refused() public {
        uint256 loanId = _active(PRINCIPAL);
        token.takeFee(10);
        token.hook(address(token), abi.encodeCall(token.takeFee, (5_000)));
        vm.expectPartialRevert(TokenLender.TransferFell.selector);
        pool.repay(loanId, type(uint256).max);
    }

    function test_withdraw__when_lent_out__then_only_cash_can_leave() public {
        pool.withdraw(49_000 * USD, address(this), address(this));
        _active(900e6);
        equal(pool.maxWithdraw(address(this)), 100 * USD, "cash");
        vm.expectPartialRevert(ERC4626.ERC4626ExceededMaxWithdraw.selector);
        pool.withdraw(101 * USD, address(this), address(this));
        uint256 shares = pool.maxRedeem(address(this));
        equal(pool.redeem(shares, address(this), address(this)), 100 * USD, "all the cash");
        vm.expectPartialRevert(ERC4626.ERC4626ExceededMaxRedeem.selector);
        pool.redeem(1_000, address(this), address(this));
        _solvent();
    }

    function test_settings__when_senseless_or_unauthorized__then_they_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "liquidationLtv", 7_000));
        Built.tokenLender(address(manager), oracle, NOBODY, _policy(), token, feed, 7_000, PRICE_AGE);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "liquidationLtv", 10_001));
        Built.tokenLender(address(manager), oracle, NOBODY, _policy(), token, feed, 10_001, PRICE_AGE);
        vm.expectRevert(
            abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "priceFeed", uint160(address(0xBAD)))
        );
        pool.setPriceFeed(IPriceFeed(address(0xBAD)));
        vm.prank(borrower);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        pool.setPriceFeed(feed);
        SettableFeed other = new SettableFeed(3_000e18, 18);
        pool.setPriceFeed(other);
        equal(pool.loan(_active(5_000e6)).principal, 2_100 * USD, "another feed, other decimals");
    }
}
