// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {SmartLending} from "../contracts/lending/SmartLending.sol";
import {TokenLender} from "../contracts/lending/TokenLender.sol";
import {NOBODY, openPolicy} from "./support/Loans.sol";
import {ReentryFixture} from "./support/ReentryFixture.sol";
import {DollarToken, SettableFeed} from "./support/Tokens.sol";

/// @dev A wallet whose reviews are under way may take them too.
function policyForAll() pure returns (ILendingDesk.Policy memory policy) {
    policy = openPolicy();
    policy.plainTermsForAll = true;
}

/// @notice The pool of ether pays a borrower or lender that calls each of its functions back.
contract ReentryTest is ReentryFixture {
    uint256 private constant ATTEMPTS = 14;

    SmartLending private pool;
    uint256 private shares;

    function setUp() public override {
        super.setUp();
        _foundIssuers(manager);
        pool = Built.smartLending(address(manager), oracle, accepted, policyForAll());
        _meet(pool, address(0));
        pool.fund{value: 50 ether}(0);
        wallet.act(address(pool), 10 ether, abi.encodeCall(pool.fund, (0)));
        shares = pool.balanceOf(address(wallet)) / 10;
        uint256 overdue = _active();
        vm.warp(block.timestamp + 34 days);
        this.prepare(overdue);
    }

    function _apply() internal override returns (uint256, IAIRiskOracle.Request memory) {
        return _apply(1 ether, 2 ether, 30 days);
    }

    /// @dev From outside: the compiler takes the block's time for a constant within a call.
    function prepare(uint256 overdue) external {
        _attempt(0, abi.encodeCall(pool.settle, (_answered(_lowOutputs()))));
        _attempt(0, abi.encodeCall(pool.approveReviewed, (_inReview())));
        _attempt(0, abi.encodeCall(pool.refuseReviewed, (_inReview())));
        _attempt(0, abi.encodeCall(pool.takePlainTerms, (_declined())));
        _attempt(0, abi.encodeCall(pool.withdrawApplication, (_requested())));
        _attempt(0, abi.encodeCall(pool.reclaimFee, (_declined())));
        _attempt(0, abi.encodeCall(pool.liquidate, (overdue)));
        _attempt(1 ether, abi.encodeCall(pool.repay, (_active())));
        _attempt(1 ether, abi.encodeCall(pool.fund, (0)));
        _attempt(0, abi.encodeCall(pool.withdraw, (shares)));
        _attempt(0, abi.encodeCall(pool.leave, (shares, 1)));
        _attempt(2 ether + FEE, _requestCall(1 ether, 2 ether, 30 days));
        _attempt(2 ether + FEE, _vouchedCall(1 ether, 2 ether, 30 days));
        // Last: within a claim nothing is left to claim.
        _attempt(0, abi.encodeCall(pool.claim, (address(wallet))));
        wallet.act(address(pool), 0, abi.encodeCall(pool.withdrawApplication, (_requested())));
    }

    function test_attempts__when_made_by_themselves__then_each_succeeds() public {
        equal(wallet.attempts().length, ATTEMPTS, "attempts");
        _succeedAlone();
    }

    function test_borrower__when_it_reenters_at_payout__then_it_is_paid_once() public {
        uint256 loanId = _answered(_lowOutputs());
        uint256 before = address(wallet).balance;
        uint256 cash = pool.cash();
        _refusesWithin(0, abi.encodeCall(pool.settle, (loanId)), ATTEMPTS);
        equal(address(wallet).balance, before + 1 ether, "one principal");
        equal(pool.cash(), cash - 1 ether, "cash");
    }

    function test_borrower__when_it_reenters_at_an_approval__then_it_is_refused() public {
        _refusesWithin(0, abi.encodeCall(pool.approveReviewed, (_inReview())), ATTEMPTS);
    }

    function test_borrower__when_it_reenters_at_plain_terms__then_it_is_refused() public {
        _refusesWithin(0, abi.encodeCall(pool.takePlainTerms, (_declined())), ATTEMPTS);
    }

    function test_borrower__when_it_reenters_at_its_change__then_it_is_refused() public {
        _refusesWithin(2 ether, abi.encodeCall(pool.repay, (_active())), ATTEMPTS);
    }

    function test_borrower__when_it_reenters_at_a_claim__then_it_claims_once() public {
        uint256 before = address(wallet).balance;
        _refusesWithin(0, abi.encodeCall(pool.claim, (address(wallet))), ATTEMPTS - 1);
        equal(address(wallet).balance, before + 2 ether, "one collateral");
        equal(pool.totalClaimable(), 0, "and no more");
    }

    function test_lender__when_it_reenters_at_a_withdrawal__then_it_is_paid_once() public {
        uint256 before = address(wallet).balance;
        uint256 worth = pool.valueOf(shares);
        _refusesWithin(0, abi.encodeCall(pool.withdraw, (shares)), ATTEMPTS);
        equal(address(wallet).balance, before + worth, "one tenth");
    }
}

/// @notice A token that calls back in the middle of a transfer.
contract TokenReentryTest is ReentryFixture {
    uint256 private constant ATTEMPTS = 5;

    DollarToken private token;
    TokenLender private pool;
    uint256 private overdue;

    function setUp() public override {
        super.setUp();
        token = new DollarToken();
        SettableFeed feed = new SettableFeed(2_000e8, 8);
        pool = Built.tokenLender(
            address(manager),
            oracle,
            NOBODY,
            policyForAll(),
            token,
            feed,
            8_000,
            type(uint32).max
        );
        _meet(pool, address(token));
        token.mint(address(wallet), 100_000e6);
        wallet.act(address(token), 0, abi.encodeCall(token.approve, (address(pool), type(uint256).max)));
        wallet.act(address(pool), 0, abi.encodeCall(pool.deposit, (50_000e6, address(wallet))));
        uint256 first = _active();
        overdue = _active();
        vm.warp(block.timestamp + 34 days);
        this.prepare(first);
    }

    function _apply() internal override returns (uint256, IAIRiskOracle.Request memory) {
        return _apply(1_000e6, 1 ether, 30 days);
    }

    /// @dev From outside: the compiler takes the block's time for a constant within a call.
    function prepare(uint256 late) external {
        _attempt(0, abi.encodeCall(pool.repay, (_active(), type(uint256).max)));
        _attempt(0, abi.encodeCall(pool.liquidate, (late, type(uint256).max)));
        _attempt(0, abi.encodeCall(pool.deposit, (10e6, address(wallet))));
        _attempt(0, abi.encodeCall(pool.withdraw, (10e6, address(wallet), address(wallet))));
        _attempt(0, abi.encodeCall(pool.settle, (_answered(_lowOutputs()))));
    }

    function _refusedWithin(bytes memory data) private {
        token.hook(address(wallet), abi.encodeCall(wallet.callBack, ()));
        _refusesWithin(0, data, ATTEMPTS);
        check(token.hookSucceeded(), "the token called back");
    }

    function test_attempts__when_made_by_themselves__then_each_succeeds() public {
        equal(wallet.attempts().length, ATTEMPTS, "attempts");
        _succeedAlone();
    }

    function test_repay__when_the_token_calls_back__then_it_is_refused() public {
        _refusedWithin(abi.encodeCall(pool.repay, (_active(), type(uint256).max)));
    }

    function test_liquidate__when_the_token_calls_back__then_it_is_refused() public {
        _refusedWithin(abi.encodeCall(pool.liquidate, (overdue, type(uint256).max)));
    }

    function test_deposit__when_the_token_calls_back__then_it_is_refused() public {
        _refusedWithin(abi.encodeCall(pool.deposit, (10e6, address(wallet))));
    }

    function test_withdraw__when_the_token_calls_back__then_it_is_refused() public {
        _refusedWithin(abi.encodeCall(pool.withdraw, (10e6, address(wallet), address(wallet))));
    }

    function test_settle__when_the_token_calls_back__then_it_is_refused() public {
        _refusedWithin(abi.encodeCall(pool.settle, (_answered(_lowOutputs()))));
    }
}

/// @notice A borrower that asks for the most, for the least, or runs ahead of its answer.
contract GreedyBorrowerTest is ReentryFixture {
    SmartLending private pool;

    function setUp() public override {
        super.setUp();
        pool = Built.smartLending(address(manager), oracle, NOBODY, policyForAll());
        _meet(pool, address(0));
        pool.fund{value: 50 ether}(0);
    }

    function _apply() internal override returns (uint256, IAIRiskOracle.Request memory) {
        return _apply(1 ether, 2 ether, 30 days);
    }

    function test_amounts__when_as_large_as_they_get__then_the_caps_hold() public {
        (, IAIRiskOracle.Request memory request) = _apply(type(uint128).max, 2 ether, 30 days);
        _answer(1, request, _lowOutputs());
        pool.settle(1);
        equal(pool.loan(1).principal, 1.4 ether, "70 % of the collateral");
        vm.warp(block.timestamp + 1_000 * 365 days);
        pool.liquidate(1);
        equal(pool.cash(), 50 ether - 1.4 ether + 1.98 ether, "all of the collateral but the bonus, no overflow");
    }

    function test_amounts__when_dust__then_interest_still_rounds_up() public {
        (, IAIRiskOracle.Request memory request) = _apply(1, 2, 30 days);
        _answer(1, request, _lowOutputs());
        pool.settle(1);
        equal(pool.loan(1).principal, 1, "one wei");
        vm.warp(block.timestamp + 1);
        equal(pool.owed(1), 2, "and one of interest");
        pool.repay{value: 2}(1);
        equal(pool.claimable(address(wallet)), 2, "the collateral");
    }

    /// @dev Sees an answer coming and runs ahead of it: the collateral leaves, and nothing is lent.
    function test_borrower__when_it_runs_ahead_of_a_bad_answer__then_it_gains_nothing() public {
        (, IAIRiskOracle.Request memory request) = _apply();
        wallet.act(address(pool), 0, abi.encodeCall(pool.withdrawApplication, (1)));
        _answer(1, request, _highOutputs());
        equal(pool.cash(), 50 ether, "nothing lent");
        equal(oracle.riskCategory(address(wallet)), 2, "and the answer is on record");
    }
}
