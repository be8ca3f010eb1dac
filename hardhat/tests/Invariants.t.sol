// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {SmartLending} from "../contracts/lending/SmartLending.sol";
import {TokenLender} from "../contracts/lending/TokenLender.sol";
import {Checks} from "./support/Vm.sol";
import {OracleFixture} from "./support/OracleFixture.sol";
import {DollarToken, SettableFeed} from "./support/Tokens.sol";

/// @notice Does random valid things in random order: a pool of ether, a pool of tokens, requests of one's own.
contract World is OracleFixture {
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

    SmartLending public pool;
    TokenLender public lender;
    DollarToken public token;
    SettableFeed public feed;
    uint256 public requests;
    uint256 public ended;
    uint256 public feesOfPending;
    mapping(uint256 requestId => uint256) public timesEnded;
    Application[] private _applications;

    function build() external {
        setUp();
        token = new DollarToken();
        feed = new SettableFeed(2_000e8, 8);
        ILendingDesk.Policy memory policy = ILendingDesk.Policy(7_000, 2_000, 0, 7_000, 3_000, 1_000, 180 days, 3 days);
        pool = new SmartLending(address(manager), oracle, policy);
        lender = new TokenLender(address(manager), oracle, policy, token, feed, 8_000, type(uint32).max);
        vm.deal(address(this), 10_000 ether);
        token.mint(address(this), 1e15);
        token.approve(address(lender), type(uint256).max);
        pool.fund{value: 20 ether}();
        lender.deposit(50_000e6, address(this));
    }

    function theOracle() external view returns (IAIRiskOracle, uint256) {
        return (oracle, oracle.earnedFees());
    }

    function accounts() external view returns (address[4] memory) {
        return [borrower, address(this), address(pool), address(lender)];
    }

    function applications() external view returns (Application[] memory) {
        return _applications;
    }

    // -------------------------------------------------------------- asking

    function ask() external {
        uint256 fee = oracle.fee();
        vm.deal(borrower, 10 ether);
        vm.prank(borrower);
        uint256 id = oracle.requestAssessment{value: fee}(_terms(), NEUTRAL);
        _noted(LendingKind.None, 0, id, _requestOf(borrower, _terms()));
    }

    function applyFor(bool tokens, uint256 principal, uint256 collateral) external {
        uint256 fee = oracle.fee();
        vm.deal(borrower, 10 ether);
        collateral = bound(collateral, 1, 5 ether);
        principal = bound(principal, 1, tokens ? 10_000e6 : 5 ether);
        address asset = tokens ? address(token) : address(0);
        address desk = tokens ? address(lender) : address(pool);
        IAIRiskOracle.LoanTerms memory terms = IAIRiskOracle.LoanTerms(
            asset,
            uint128(principal),
            address(0),
            uint128(collateral),
            30 days
        );
        IAIRiskOracle.Consent memory consent = _consent(desk, terms, NEUTRAL);
        vm.prank(borrower);
        uint256 loanId = ILendingDesk(desk).requestLoan{value: collateral + fee}(
            uint128(principal),
            30 days,
            NEUTRAL,
            consent
        );
        uint256 requestId = ILendingDesk(desk).loan(loanId).requestId;
        _noted(tokens ? LendingKind.Token : LendingKind.Ether, loanId, requestId, _requestOf(desk, terms));
    }

    // ------------------------------------------------------------- answering

    function answer(uint256 which, uint256 mood, uint256 score) external {
        Application memory a = _pick(which);
        if (oracle.stateOf(a.requestId) != IAIRiskOracle.RequestState.Pending) return;
        if (block.timestamp > a.request.deadline) return;
        int256[] memory outputs =
            mood % 3 == 0
                ? _highOutputs()
                : mood % 3 == 1
                    ? _mediumOutputs()
                    : _lowOutputs();
        outputs[3] = int256(bound(score, 700, 1024));
        _answer(a.requestId, a.request, outputs);
        _ended(a);
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
        try oracle.withdrawFees() {} catch {}
    }

    function withdrawRefund() external {
        vm.prank(borrower);
        try oracle.withdrawRefund() {} catch {}
    }

    function changeFee(uint96 fee) external {
        oracle.setFees(uint96(bound(fee, 0, 1 ether)), 0);
    }

    function pass(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 20 days));
    }

    // --------------------------------------------------------------- loans

    function settle(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        try desk.settle(loanId) {} catch {}
    }

    function review(uint256 which, bool approve) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        if (approve) try desk.approveReviewed(loanId) {} catch {}
        else try desk.refuseReviewed(loanId) {} catch {}
    }

    function takePlainTerms(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        vm.prank(borrower);
        try desk.takePlainTerms(loanId) {} catch {}
    }

    function withdrawApplication(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        vm.prank(borrower);
        try desk.withdrawApplication(loanId) {} catch {}
    }

    function reclaimFee(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        try desk.reclaimFee(loanId) {} catch {}
    }

    function repay(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        if (desk.loan(loanId).state != ILendingDesk.LoanState.Active) return;
        uint256 owed = desk.owed(loanId);
        if (address(desk) == address(pool)) pool.repay{value: owed + 1}(loanId);
        else lender.repay(loanId, owed);
    }

    function liquidate(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        if (address(desk) == address(pool)) try pool.liquidate(loanId) {} catch {}
        else try lender.liquidate(loanId, type(uint256).max) {} catch {}
    }

    function claim(bool tokens) external {
        ILendingDesk desk = tokens ? ILendingDesk(address(lender)) : ILendingDesk(address(pool));
        vm.prank(borrower);
        try desk.claim() {} catch {}
    }

    function lend(bool tokens, uint256 amount) external {
        if (tokens) lender.deposit(bound(amount, 1e6, 10_000e6), address(this));
        else pool.fund{value: bound(amount, 1 gwei, 10 ether)}();
    }

    function leave(bool tokens, uint256 shares) external {
        if (tokens)
            try
                lender.redeem(bound(shares, 0, lender.maxRedeem(address(this))), address(this), address(this))
            {} catch {}
        else try pool.withdraw(bound(shares, 0, pool.balanceOf(address(this)))) {} catch {}
    }

    function movePrice(uint256 price) external {
        feed.set(int256(bound(price, 500e8, 4_000e8)));
    }

    // ---------------------------------------------------------------- help

    function _requestOf(
        address requester,
        IAIRiskOracle.LoanTerms memory terms
    ) private view returns (IAIRiskOracle.Request memory request) {
        request = _logged(borrower, requester, terms);
        request.fee = oracle.fee();
    }

    function _noted(LendingKind kind, uint256 loanId, uint256 requestId, IAIRiskOracle.Request memory request) private {
        ++requests;
        feesOfPending += request.fee;
        _applications.push(Application(kind, loanId, requestId, request));
    }

    function _ended(Application memory a) private {
        ++ended;
        ++timesEnded[a.requestId];
        feesOfPending -= a.request.fee;
    }

    function _pick(uint256 which) private view returns (Application memory) {
        vm.assume(_applications.length > 0);
        // The latest are the most interesting.
        uint256 last = _applications.length - 1;
        return _applications[last - (which % (last < 4 ? last + 1 : 4))];
    }

    function _loan(uint256 which) private view returns (ILendingDesk, uint256) {
        Application memory a = _pick(which);
        vm.assume(a.kind != LendingKind.None);
        return (a.kind == LendingKind.Token ? ILendingDesk(address(lender)) : ILendingDesk(address(pool)), a.loanId);
    }
}

contract InvariantsTest is Checks {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    World private world;

    function setUp() public {
        world = new World();
        world.build();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(world);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory s = new bytes4[](20);
        s[0] = World.ask.selector;
        s[1] = World.applyFor.selector;
        s[2] = World.answer.selector;
        s[3] = World.decline.selector;
        s[4] = World.cancel.selector;
        s[5] = World.withdrawFees.selector;
        s[6] = World.withdrawRefund.selector;
        s[7] = World.changeFee.selector;
        s[8] = World.pass.selector;
        s[9] = World.settle.selector;
        s[10] = World.review.selector;
        s[11] = World.takePlainTerms.selector;
        s[12] = World.withdrawApplication.selector;
        s[13] = World.reclaimFee.selector;
        s[14] = World.repay.selector;
        s[15] = World.liquidate.selector;
        s[16] = World.claim.selector;
        s[17] = World.lend.selector;
        s[18] = World.leave.selector;
        s[19] = World.movePrice.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(world), s);
    }

    function invariant_escrow_and_owed_fees_are_the_oracles_balance() external view {
        (IAIRiskOracle oracle, uint256 earned) = world.theOracle();
        uint256 refunds;
        address[4] memory accounts = world.accounts();
        for (uint256 i = 0; i < 4; ++i) refunds += oracle.refundOf(accounts[i]);
        equal(address(oracle).balance, world.feesOfPending() + earned + refunds, "oracle balance");
    }

    function invariant_a_request_ends_at_most_once() external view {
        (IAIRiskOracle oracle, ) = world.theOracle();
        uint256 pending;
        for (uint256 id = 1; id <= world.requests(); ++id) {
            check(world.timesEnded(id) <= 1, "at most once");
            if (oracle.stateOf(id) == IAIRiskOracle.RequestState.Pending) ++pending;
        }
        equal(pending + world.ended(), world.requests(), "pending or ended");
        equal(oracle.requestCount(), world.requests(), "ids without a gap");
    }

    function invariant_the_ether_pool_covers_every_claim() external view {
        SmartLending pool = world.pool();
        (IAIRiskOracle oracle, ) = world.theOracle();
        uint256 reach = address(pool).balance + oracle.refundOf(address(pool));
        check(reach >= pool.cash() + pool.collateralHeld() + pool.totalClaimable(), "ether pool");
        check(pool.valueOf(pool.totalSupply()) <= pool.totalAssets(), "shares are worth no more than the assets");
        _booksBalance(ILendingDesk(address(pool)), pool.collateralHeld(), pool.outstanding());
    }

    function invariant_the_token_pool_covers_every_claim() external view {
        TokenLender lender = world.lender();
        (IAIRiskOracle oracle, ) = world.theOracle();
        equal(world.token().balanceOf(address(lender)), lender.cash(), "tokens are cash");
        uint256 reach = address(lender).balance + oracle.refundOf(address(lender));
        check(reach >= lender.collateralHeld() + lender.totalClaimable(), "ether of borrowers");
        check(lender.convertToAssets(lender.totalSupply()) <= lender.totalAssets(), "shares");
        _booksBalance(ILendingDesk(address(lender)), lender.collateralHeld(), lender.outstanding());
    }

    /// @dev Collateral is held for exactly the loans that are open; outstanding is exactly what active loans were paid.
    function _booksBalance(ILendingDesk desk, uint256 held, uint256 outstanding) private view {
        uint256 collateral;
        uint256 principal;
        for (uint256 id = 1; id <= desk.loanCount(); ++id) {
            ILendingDesk.Loan memory l = desk.loan(id);
            bool active = l.state == ILendingDesk.LoanState.Active;
            bool open = l.state == ILendingDesk.LoanState.Requested || l.state == ILendingDesk.LoanState.Review;
            if (active || open) collateral += l.collateral;
            if (active) principal += l.principal;
        }
        equal(held, collateral, "collateral held");
        equal(outstanding, principal, "outstanding");
    }
}
