// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {LendingDesk} from "../contracts/lending/LendingDesk.sol";
import {SmartLending} from "../contracts/lending/SmartLending.sol";
import {NOBODY, anyOrder, openPolicy} from "./support/Loans.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

contract SmartLendingTest is OracleFixture {
    uint128 internal constant PRINCIPAL = 1 ether;
    uint128 internal constant COLLATERAL = 2 ether;
    uint32 internal constant DURATION = 30 days;
    uint24 internal constant GRACE = 3 days;
    bytes4 private constant UNAUTHORIZED = bytes4(keccak256("AccessManagedUnauthorized(address)"));

    SmartLending internal pool;

    function setUp() public override {
        super.setUp();
        pool = Built.smartLending(address(manager), oracle, NOBODY, _policy());
        vm.deal(address(this), 1_000 ether);
        pool.fund{value: 50 ether}(0);
    }

    function _policy() internal pure returns (ILendingDesk.Policy memory) {
        return openPolicy();
    }

    function _loanTerms(uint128 principal, uint128 collateral) internal view returns (IAIRiskOracle.LoanTerms memory) {
        return pool.judgedTerms(anyOrder(principal, collateral, DURATION));
    }

    /// @dev The borrower asks the pool for a loan; the request as the oracle logged it comes back.
    function _apply(
        uint128 principal,
        uint128 collateral
    ) internal returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.LoanTerms memory terms = _loanTerms(principal, collateral);
        IAIRiskOracle.Consent memory consent = _consent(address(pool), terms, NEUTRAL);
        vm.prank(borrower);
        loanId = pool.requestLoan{value: uint256(collateral) + FEE}(
            anyOrder(principal, collateral, DURATION),
            NEUTRAL,
            consent
        );
        request = _logged(borrower, address(pool), terms);
    }

    /// @dev A loan requested and answered with these outputs.
    function _answered(int256[] memory outputs) internal returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply(PRINCIPAL, COLLATERAL);
        _answer(pool.loan(loanId).requestId, request, outputs);
    }

    function _active() internal returns (uint256 loanId) {
        loanId = _answered(_lowOutputs());
        pool.settle(loanId);
    }

    function _state(uint256 loanId, ILendingDesk.LoanState expected) internal view {
        equal(uint256(pool.loan(loanId).state), uint256(expected), "loan state");
    }

    function test_request__when_made__then_collateral_is_held_and_the_oracle_is_paid() public {
        vm.expectEmit();
        emit ILendingDesk.LoanRequested(1, borrower, 1, PRINCIPAL, COLLATERAL, DURATION);
        (uint256 loanId, ) = _apply(PRINCIPAL, COLLATERAL);
        ILendingDesk.Loan memory l = pool.loan(loanId);
        equal(l.collateral, COLLATERAL, "collateral without the fee");
        equal(l.answerBy, block.timestamp + REQUEST_LIFETIME, "deadline");
        equal(pool.collateralHeld(), COLLATERAL, "held");
        equal(address(oracle).balance, FEE, "fee");
        equal(pool.cash(), 50 ether, "lender money untouched");
    }

    function test_request__when_no_collateral_or_no_consent__then_it_is_refused() public {
        IAIRiskOracle.Consent memory consent = _consent(address(pool), _loanTerms(1, 1), NEUTRAL);
        vm.prank(borrower);
        vm.expectRevert(ILendingDesk.NoCollateral.selector);
        pool.requestLoan{value: FEE}(anyOrder(1, 0, DURATION), NEUTRAL, consent);
        // Another wallet cannot ask with the borrower's consent.
        vm.deal(address(0xBAD), 1 ether);
        vm.prank(address(0xBAD));
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidConsent.selector, address(0xBAD)));
        pool.requestLoan{value: uint256(FEE) + 1}(anyOrder(1, 1, DURATION), NEUTRAL, consent);
    }

    function test_settle__when_the_risk_is_low__then_the_loan_is_paid_on_the_models_terms() public {
        uint256 loanId = _answered(_lowOutputs());
        uint256 before = borrower.balance;
        vm.expectEmit();
        emit ILendingDesk.LoanApproved(loanId, borrower, PRINCIPAL, 625, block.timestamp + DURATION);
        pool.settle(loanId);
        equal(borrower.balance, before + PRINCIPAL, "paid out");
        equal(pool.cash(), 49 ether, "cash");
        equal(pool.outstanding(), PRINCIPAL, "outstanding");
        equal(pool.totalAssets(), 50 ether, "assets");
        _state(loanId, ILendingDesk.LoanState.Active);
    }

    function test_settle__when_settled_twice__then_nothing_is_paid_again() public {
        uint256 loanId = _active();
        uint256 before = borrower.balance;
        vm.expectRevert(
            abi.encodeWithSelector(ILendingDesk.LoanInState.selector, loanId, ILendingDesk.LoanState.Active)
        );
        pool.settle(loanId);
        equal(borrower.balance, before, "paid once");
    }

    function test_settle__when_more_is_asked_than_the_ltv_allows__then_the_cap_is_paid() public {
        (uint256 loanId, IAIRiskOracle.Request memory request) = _apply(10 ether, COLLATERAL);
        _answer(1, request, _lowOutputs());
        pool.settle(loanId);
        equal(pool.loan(loanId).principal, 1.4 ether, "70 % by the policy, under the model's 75 %");

        int256[] memory outputs = _lowOutputs();
        outputs[8] = 512;
        outputs[6] = 8_000;
        outputs[7] = 14;
        (loanId, request) = _apply(10 ether, COLLATERAL);
        _answer(2, request, outputs);
        pool.settle(loanId);
        equal(pool.loan(loanId).principal, 1 ether, "50 % by the model");
        equal(pool.loan(loanId).interestRate, 3_000, "the rate is capped by the policy");
        equal(pool.loan(loanId).duration, 9 days, "the model's duration");
    }

    function test_settle__when_the_model_grants_nothing__then_it_is_refused() public {
        int256[] memory outputs = _lowOutputs();
        outputs[8] = 0;
        uint256 first = _answered(outputs);
        pool.settle(first);
        _state(first, ILendingDesk.LoanState.Refused);
        outputs = _lowOutputs();
        outputs[7] = 0;
        uint256 second = _answered(outputs);
        pool.settle(second);
        _state(second, ILendingDesk.LoanState.Refused);
    }

    function test_settle__when_score_or_fraud_miss_the_policy__then_it_goes_to_review() public {
        int256[] memory outputs = _lowOutputs();
        outputs[3] = 716; // 69.92 %
        uint256 loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Review);
        outputs[3] = 717; // 70.01 %
        loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Active);
        outputs[5] = 205; // 20.01 %
        loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Review);
        outputs[5] = 204; // 19.92 %
        loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Active);
    }

    function test_settle__when_the_confidence_misses_the_policy__then_it_goes_to_review() public {
        int256[] memory outputs = _lowOutputs();
        outputs[9] = 0;
        uint256 loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Active);

        ILendingDesk.Policy memory policy = _policy();
        policy.minimumConfidence = 4_000;
        pool.setPolicy(policy);
        outputs[9] = 102; // 39.84 %
        loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Review);
        outputs[9] = 103; // 40.23 %
        loanId = _answered(outputs);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Active);
    }

    function test_settle__when_the_risk_is_high__then_the_collateral_goes_back() public {
        uint256 loanId = _answered(_highOutputs());
        vm.expectEmit();
        emit ILendingDesk.LoanRefused(loanId, borrower);
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Refused);
        uint256 before = borrower.balance;
        vm.prank(borrower);
        pool.claim(borrower);
        equal(borrower.balance, before + COLLATERAL, "all of it");
        equal(pool.collateralHeld(), 0, "none held");
        vm.prank(borrower);
        vm.expectRevert(ILendingDesk.NothingToClaim.selector);
        pool.claim(borrower);
    }

    function test_review__when_the_role_approves__then_it_is_paid_within_the_caps() public {
        uint256 loanId = _answered(_mediumOutputs());
        vm.expectEmit();
        emit ILendingDesk.LoanSentToReview(loanId, borrower);
        pool.settle(loanId);
        vm.prank(borrower);
        vm.expectPartialRevert(UNAUTHORIZED);
        pool.approveReviewed(loanId);
        vm.prank(borrower);
        vm.expectPartialRevert(UNAUTHORIZED);
        pool.refuseReviewed(loanId);
        // The role is the access manager's to give: here to a council, a governor or a multisig in life.
        address council = address(0xC0);
        bytes4[] memory reviews = new bytes4[](2);
        reviews[0] = LendingDesk.approveReviewed.selector;
        reviews[1] = LendingDesk.refuseReviewed.selector;
        manager.setTargetFunctionRole(address(pool), reviews, 7);
        manager.grantRole(7, council, 0);
        vm.prank(council);
        pool.approveReviewed(loanId);
        _state(loanId, ILendingDesk.LoanState.Active);
        vm.prank(council);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.approveReviewed(loanId);
    }

    function test_review__when_refused_or_withdrawn__then_the_collateral_goes_back() public {
        uint256 refused = _answered(_mediumOutputs());
        pool.settle(refused);
        pool.refuseReviewed(refused);
        _state(refused, ILendingDesk.LoanState.Refused);
        uint256 withdrawn = _answered(_mediumOutputs());
        pool.settle(withdrawn);
        vm.prank(borrower);
        pool.withdrawApplication(withdrawn);
        _state(withdrawn, ILendingDesk.LoanState.Withdrawn);
        equal(pool.claimable(borrower), 2 * COLLATERAL, "both");
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.refuseReviewed(withdrawn);
    }

    function test_settle__when_not_answered_or_stale__then_it_is_refused() public {
        (uint256 loanId, IAIRiskOracle.Request memory request) = _apply(PRINCIPAL, COLLATERAL);
        vm.expectPartialRevert(IAIRiskOracle.NotAnswered.selector);
        pool.settle(loanId);
        _answer(1, request, _lowOutputs());
        vm.warp(block.timestamp + ASSESSMENT_LIFETIME);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.AnswerStale.selector, loanId, uint40(block.timestamp)));
        pool.settle(loanId);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.settle(99);
    }

    function test_plain_terms__when_no_answer_came__then_the_policys_are_paid() public {
        (uint256 loanId, ) = _apply(10 ether, 3 ether);
        vm.prank(borrower);
        vm.expectPartialRevert(ILendingDesk.AnswerPending.selector);
        pool.takePlainTerms(loanId);
        vm.warp(pool.loan(loanId).answerBy);
        vm.prank(borrower);
        vm.expectPartialRevert(ILendingDesk.AnswerPending.selector);
        pool.takePlainTerms(loanId);
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.NotTheBorrower.selector, loanId, address(this)));
        pool.takePlainTerms(loanId);
        vm.prank(borrower);
        pool.takePlainTerms(loanId);
        ILendingDesk.Loan memory l = pool.loan(loanId);
        equal(l.principal, 0.3 ether, "10 % of the collateral");
        equal(l.interestRate, 3_000, "the plain rate");
        equal(l.duration, 7 days, "the plain duration");
        vm.prank(borrower);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.takePlainTerms(loanId);
    }

    function test_plain_terms__when_the_policy_caps_lower__then_they_grant_no_more() public {
        (uint256 loanId, ) = _apply(10 ether, 3 ether);
        ILendingDesk.Policy memory policy = _policy();
        (policy.maximumLtv, policy.plainLtv) = (500, 500);
        pool.setPolicy(policy);
        vm.warp(uint256(pool.loan(loanId).answerBy) + 1);
        vm.prank(borrower);
        pool.takePlainTerms(loanId);
        equal(pool.loan(loanId).principal, 0.15 ether, "5 % of the collateral, as of any loan");
    }

    function test_plain_terms__when_the_collateral_is_dust__then_they_are_refused() public {
        (uint256 loanId, ) = _apply(1, 1);
        vm.warp(uint256(pool.loan(loanId).answerBy) + 1);
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.BelowMinimum.selector, "principal", 0, 1));
        pool.takePlainTerms(loanId);
    }

    function test_interest__when_a_lender_comes_for_one_block__then_nothing_is_skimmed() public {
        uint256 loanId = _active();
        vm.warp(block.timestamp + DURATION);
        vm.prank(borrower);
        uint256 shares = pool.fund{value: 50 ether}(0);
        pool.repay{value: 2 ether}(loanId);
        vm.prank(borrower);
        uint256 back = pool.withdraw(shares);
        check(back <= 50 ether, "no more than was brought");
    }

    function test_interest__when_a_lender_comes_for_three_days__then_no_more_than_three_days_are_earned() public {
        uint256 loanId = _active();
        vm.warp(block.timestamp + DURATION);
        uint256 interest = pool.owed(loanId) - PRINCIPAL;
        vm.deal(borrower, 1_000 ether);
        vm.startPrank(borrower);
        uint256 shares = pool.fund{value: 950 ether}(0);
        pool.repay{value: 2 ether}(loanId);
        vm.warp(block.timestamp + 3 days);
        uint256 gained = pool.withdraw(shares) - 950 ether;
        vm.stopPrank();
        check(gained > 0 && gained <= interest / 10, "95 % of the shares for a tenth of the time");
    }

    function test_interest__when_the_loan_was_short__then_it_takes_three_days() public {
        uint256 loanId = _active();
        vm.warp(block.timestamp + 1 hours);
        uint256 interest = pool.owed(loanId) - PRINCIPAL;
        pool.repay{value: 2 ether}(loanId);
        vm.warp(block.timestamp + 3 days - 1);
        check(pool.totalAssets() < 50 ether + interest, "not yet");
        vm.warp(block.timestamp + 1);
        equal(pool.totalAssets(), 50 ether + interest, "all of it");
    }

    function test_borrower__when_its_contract_refuses_ether__then_the_loan_is_credited() public {
        uint256 loanId = _answered(_lowOutputs());
        vm.etch(borrower, hex"5f5ffd");
        pool.settle(loanId);
        _state(loanId, ILendingDesk.LoanState.Active);
        equal(pool.claimable(borrower), PRINCIPAL, "waits to be claimed");
        _solvent();
        vm.startPrank(borrower);
        vm.expectRevert();
        pool.claim(borrower);
        vm.expectRevert(ILendingDesk.ZeroReceiver.selector);
        pool.claim(address(0));
        vm.expectEmit();
        emit ILendingDesk.Claimed(borrower, payee, PRINCIPAL);
        pool.claim(payee);
        vm.stopPrank();
        equal(payee.balance, PRINCIPAL, "to whom it names");
        _solvent();
    }

    function test_plain_terms__when_an_answer_stands__then_they_are_refused() public {
        uint256 loanId = _answered(_highOutputs());
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.AnswerStands.selector, loanId));
        pool.takePlainTerms(loanId);
    }

    function test_withdrawal__when_still_pending__then_the_collateral_goes_back_and_the_answer_changes_nothing()
        public
    {
        (uint256 loanId, IAIRiskOracle.Request memory request) = _apply(PRINCIPAL, COLLATERAL);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.NotTheBorrower.selector, loanId, address(this)));
        pool.withdrawApplication(loanId);
        vm.prank(borrower);
        pool.withdrawApplication(loanId);
        _answer(1, request, _lowOutputs());
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.settle(loanId);
        vm.prank(borrower);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.withdrawApplication(loanId);
        equal(pool.claimable(borrower), COLLATERAL, "once");
    }

    function test_fee__when_declined_or_cancelled__then_the_borrower_gets_it_once() public {
        (uint256 declined, IAIRiskOracle.Request memory first) = _apply(PRINCIPAL, COLLATERAL);
        (uint256 cancelled, IAIRiskOracle.Request memory second) = _apply(PRINCIPAL, COLLATERAL);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.FeeNotRefundable.selector, declined));
        pool.reclaimFee(declined);
        _decline(1, first, 1);
        vm.warp(uint256(second.deadline) + 1);
        oracle.cancelRequest(second, 2);
        pool.reclaimFee(declined);
        equal(pool.claimable(borrower), FEE, "one");
        pool.reclaimFee(cancelled);
        equal(pool.claimable(borrower), 2 * FEE, "two, fetched by the first withdrawal");
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.FeeNotRefundable.selector, declined));
        pool.reclaimFee(declined);
        vm.prank(borrower);
        pool.claim(borrower);
        _solvent();
    }

    function test_repay__when_on_time__then_interest_goes_to_the_lenders() public {
        uint256 loanId = _active();
        vm.warp(block.timestamp + DURATION);
        uint256 due = pool.owed(loanId);
        equal(due, 1 ether + (uint256(1 ether) * 625 * 30) / (10_000 * 365) + 1, "simple interest, rounded up");
        uint256 before = borrower.balance;
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.PaymentTooSmall.selector, due - 1, due));
        pool.repay{value: due - 1}(loanId);
        vm.expectEmit();
        emit ILendingDesk.LoanRepaid(loanId, borrower, due, false);
        vm.prank(borrower);
        pool.repay{value: due + 5 ether}(loanId);
        equal(borrower.balance, before - due, "the excess came back");
        equal(pool.totalAssets(), 50 ether, "interest is the lenders' by and by");
        vm.warp(block.timestamp + DURATION / 3);
        equal(pool.totalAssets(), 50 ether + (due - PRINCIPAL) / 3, "a third after a third of the time");
        vm.warp(block.timestamp + (2 * DURATION) / 3);
        equal(pool.totalAssets(), 50 ether + due - PRINCIPAL, "interest earned");
        equal(pool.claimable(borrower), COLLATERAL, "collateral released");
        _state(loanId, ILendingDesk.LoanState.Repaid);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.owed(loanId);
        vm.prank(borrower);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.repay{value: due}(loanId);
    }

    function test_repay__when_in_the_block_of_the_payout__then_nothing_but_the_principal_is_owed() public {
        uint256 loanId = _active();
        equal(pool.owed(loanId), PRINCIPAL, "no interest yet");
        vm.expectEmit();
        emit ILendingDesk.LoanRepaid(loanId, borrower, PRINCIPAL, false);
        pool.repay{value: PRINCIPAL}(loanId);
        equal(pool.totalAssets(), 50 ether, "nothing gained, nothing lost");
        equal(pool.lockedProfit(), 0, "nothing to unlock");
    }

    function test_repay__when_late__then_it_is_taken_and_marked() public {
        uint256 loanId = _active();
        vm.warp(block.timestamp + DURATION + 1);
        uint256 due = pool.owed(loanId);
        vm.expectEmit();
        emit ILendingDesk.LoanRepaid(loanId, borrower, due, true);
        pool.repay{value: due}(loanId);
    }

    function test_liquidate__when_maturity_and_grace_passed__then_the_pool_is_whole_and_the_rest_goes_back() public {
        uint256 loanId = _active();
        uint256 from = block.timestamp + DURATION + GRACE + 1;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.LiquidationTooEarly.selector, loanId, from));
        pool.liquidate(loanId);
        vm.warp(from);
        uint256 due = pool.owed(loanId);
        vm.expectEmit();
        emit ILendingDesk.LoanDefaulted(loanId, borrower, due, due);
        pool.liquidate(loanId);
        equal(pool.claimable(borrower), COLLATERAL - due - COLLATERAL / 100, "what is left over");
        vm.warp(from + DURATION + GRACE + 1);
        equal(pool.totalAssets(), 50 ether + due - PRINCIPAL, "pool whole, with its interest");
        _state(loanId, ILendingDesk.LoanState.Defaulted);
        vm.expectPartialRevert(ILendingDesk.LoanInState.selector);
        pool.liquidate(loanId);
        _solvent();
    }

    function test_liquidate__when_the_debt_outgrew_the_collateral__then_all_of_it_is_taken() public {
        uint256 loanId = _active();
        vm.warp(block.timestamp + 40 * 365 days);
        check(pool.owed(loanId) > COLLATERAL, "under water");
        pool.liquidate(loanId);
        equal(pool.claimable(borrower), 0, "nothing left");
        equal(pool.cash(), 49 ether + COLLATERAL - COLLATERAL / 100, "all of it but the bonus");
        _solvent();
    }

    function test_liquidity__when_the_pool_is_lent_out__then_it_never_pays_more_than_it_holds() public {
        uint256 loanId = _answered(_lowOutputs());
        pool.withdraw(pool.balanceOf(address(this)));
        uint256 left = pool.cash();
        check(left < PRINCIPAL, "empty but for rounding");
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InsufficientLiquidity.selector, PRINCIPAL, left));
        pool.settle(loanId);
        pool.fund{value: 1.5 ether}(0);
        pool.settle(loanId);
        uint256 shares = pool.balanceOf(address(this));
        vm.expectPartialRevert(ILendingDesk.InsufficientLiquidity.selector);
        pool.withdraw(shares - 1);
        pool.withdraw(shares / 4);
    }

    function test_policy__when_changed__then_only_by_the_role_and_only_sensibly() public {
        ILendingDesk.Policy memory policy = _policy();
        vm.prank(borrower);
        vm.expectPartialRevert(UNAUTHORIZED);
        pool.setPolicy(policy);
        policy.maximumLtv = 10_001;
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "maximumLtv", 10_001));
        pool.setPolicy(policy);
        policy.maximumLtv = 0;
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "maximumLtv", 0));
        pool.setPolicy(policy);
        policy.maximumLtv = 10_000;
        policy.maximumDuration = 0;
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "maximumDuration", 0));
        pool.setPolicy(policy);
        (policy.maximumDuration, policy.plainDuration) = (1 days, 1 days);
        pool.setPolicy(policy);
        equal(pool.policy().maximumLtv, 10_000, "stored");
        uint256 loanId = _active();
        equal(pool.loan(loanId).duration, 1 days, "capped by the new policy");
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.InvalidPolicy.selector, "oracle", uint160(address(0xBAD))));
        Built.smartLending(address(manager), IAIRiskOracle(address(0xBAD)), NOBODY, policy);
    }

    function test_ether__when_sent_without_a_call__then_only_the_oracles_is_taken() public {
        (bool ok, ) = address(pool).call{value: 1}("");
        check(!ok, "a stranger's ether");
    }

    function test_shares__when_the_first_lender_is_attacked_by_inflation__then_the_loss_is_the_attackers() public {
        SmartLending fresh = Built.smartLending(address(manager), oracle, NOBODY, _policy());
        fresh.fund{value: 1}(0);
        vm.expectRevert(ILendingDesk.ZeroShares.selector);
        fresh.fund{value: 0}(0);
        // A donation cannot even reach the pool: its assets are counted, not read off the balance.
        vm.deal(address(fresh), 10 ether);
        equal(fresh.totalAssets(), 1, "a forced donation counts for nothing");
        vm.prank(borrower);
        uint256 shares = fresh.fund{value: 1 ether}(0);
        check(fresh.valueOf(shares) >= 1 ether - 1, "the victim keeps what was paid");
        vm.expectRevert(ILendingDesk.ZeroShares.selector);
        fresh.withdraw(0);
    }

    function _solvent() internal view {
        check(
            address(pool).balance + oracle.refundOf(address(pool)) >=
                pool.cash() + pool.collateralHeld() + pool.totalClaimable(),
            "the balance covers every claim"
        );
    }
}
