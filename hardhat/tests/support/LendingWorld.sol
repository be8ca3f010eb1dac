// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./Built.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../../contracts/interfaces/ILendingDesk.sol";
import {LoanBook} from "../../contracts/lending/LoanBook.sol";
import {SmartLending} from "../../contracts/lending/SmartLending.sol";
import {TokenLender} from "../../contracts/lending/TokenLender.sol";
import {AskingWorld} from "./AskingWorld.sol";
import {NOBODY, anyOrder, openPolicy} from "./Loans.sol";
import {DollarToken, SettableFeed} from "./Tokens.sol";

/// @notice Lends and borrows at random, in a pool of ether and in a pool of tokens, besides what AskingWorld does.
abstract contract LendingWorld is AskingWorld {
    SmartLending public pool;
    TokenLender public lender;
    DollarToken public token;
    SettableFeed public feed;
    uint256 public constant ETHER_LIMIT = 6 ether;
    uint256 public constant TOKEN_LIMIT = 12_000e6;
    uint256 private constant COOLDOWN = 30 days;

    /// @notice Loans that an answer outside the policy was paid for without a reviewer.
    uint256 public wrongApprovals;
    /// @notice Plain terms that were paid though an answer, a decline or a desk spoke against the wallet.
    uint256 public paidThoughRefused;
    mapping(ILendingDesk desk => uint256 at) private _refusedAt;
    /// @notice Payments and defaults by which the lenders gained at once what others could skim.
    uint256 public jumps;

    function build() external {
        setUp();
        token = new DollarToken();
        feed = new SettableFeed(2_000e8, 8);
        pool = Built.smartLending(address(manager), oracle, NOBODY, _policy(0, ETHER_LIMIT));
        lender = Built.tokenLender(
            address(manager),
            oracle,
            NOBODY,
            _policy(0, TOKEN_LIMIT),
            token,
            feed,
            8_000,
            type(uint32).max
        );
        vm.deal(address(this), 10_000 ether);
        token.mint(address(this), 1e15);
        token.approve(address(lender), type(uint256).max);
        pool.fund{value: 20 ether}(0);
        lender.deposit(50_000e6, address(this));
    }

    function accounts() external view returns (address[4] memory) {
        return [borrower, address(this), address(pool), address(lender)];
    }

    function applyFor(bool tokens, uint256 principal, uint256 collateral) external {
        uint256 fee = oracle.fee();
        vm.deal(borrower, 10 ether);
        collateral = bound(collateral, 1, 5 ether);
        principal = bound(principal, 1, tokens ? 10_000e6 : 5 ether);
        address desk = tokens ? address(lender) : address(pool);
        ILendingDesk.Order memory order = anyOrder(uint128(principal), uint128(collateral), 30 days);
        IAIRiskOracle.LoanTerms memory terms = ILendingDesk(desk).judgedTerms(order);
        IAIRiskOracle.Consent memory consent = _consent(desk, terms, _commitment());
        vm.prank(borrower);
        uint256 loanId = ILendingDesk(desk).requestLoan{value: collateral + fee}(order, _commitment(), consent);
        uint256 requestId = ILendingDesk(desk).loan(loanId).requestId;
        _noted(tokens ? LendingKind.Token : LendingKind.Ether, loanId, requestId, _requestOf(desk, terms));
    }

    /// @dev The whole way at once: by chance alone few loans come to be paid out.
    function borrow(bool tokens, uint256 principal, uint256 collateral, uint256 seed) external {
        this.applyFor(tokens, principal, collateral);
        this.answer(0, 2, seed, seed % 2 == 0);
        this.settle(0);
    }

    function changePolicy(bool strict) external {
        pool.setPolicy(_policy(strict ? 4_000 : 0, ETHER_LIMIT));
        lender.setPolicy(_policy(strict ? 4_000 : 0, TOKEN_LIMIT));
    }

    // --------------------------------------------------------------- loans

    function settle(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        try desk.settle(loanId) {
            ILendingDesk.Loan memory l = desk.loan(loanId);
            bool paid = l.state == ILendingDesk.LoanState.Active;
            if (paid && !_approves(desk, l.requestId)) ++wrongApprovals;
            _refusedAt[desk] = paid ? 0 : block.timestamp;
        } catch {}
    }

    function review(uint256 which, bool approve) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        if (approve)
            try desk.approveReviewed(loanId) {
                bool paid = desk.loan(loanId).state == ILendingDesk.LoanState.Active;
                _refusedAt[desk] = paid ? 0 : block.timestamp;
            } catch {}
        else
            try desk.refuseReviewed(loanId) {
                _refusedAt[desk] = block.timestamp;
            } catch {}
    }

    function takePlainTerms(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        bool refused = _isRefused(desk, loanId);
        vm.prank(borrower);
        try desk.takePlainTerms(loanId) {
            if (refused) ++paidThoughRefused;
        } catch {}
    }

    function withdrawApplication(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        ILendingDesk.LoanState state = desk.loan(loanId).state;
        bool open = state == ILendingDesk.LoanState.Requested || state == ILendingDesk.LoanState.Review;
        vm.prank(borrower);
        try desk.withdrawApplication(loanId) {} catch {
            if (open) ++stuck;
        }
    }

    function reclaimFee(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        try desk.reclaimFee(loanId) {} catch {}
    }

    function repay(uint256 which) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        if (desk.loan(loanId).state != ILendingDesk.LoanState.Active) return;
        uint256 owed = desk.owed(loanId);
        uint256 assets = _assets(desk);
        if (address(desk) == address(pool))
            try pool.repay{value: owed + 1}(loanId) {} catch {
                ++stuck;
            }
        else
            try lender.repay(loanId, owed) {} catch {
                ++stuck;
            }
        if (_assets(desk) != assets) ++jumps;
    }

    function liquidate(uint256 which, bool whenDue) external {
        (ILendingDesk desk, uint256 loanId) = _loan(which);
        ILendingDesk.Loan memory l = desk.loan(loanId);
        if (whenDue && l.state == ILendingDesk.LoanState.Active) vm.warp(Math.max(block.timestamp, l.dueAt + 4 days));
        bool due = l.state == ILendingDesk.LoanState.Active && block.timestamp > uint256(l.dueAt) + l.gracePeriod;
        uint256 assets = _assets(desk);
        if (address(desk) == address(pool))
            try pool.liquidate(loanId) {} catch {
                if (due) ++stuck;
            }
        else
            try lender.liquidate(loanId, type(uint256).max) {} catch {
                if (due) ++stuck;
            }
        if (_assets(desk) > assets) ++jumps;
    }

    function claim(bool tokens) external {
        LoanBook desk = tokens ? LoanBook(lender) : LoanBook(pool);
        if (desk.claimable(borrower) == 0) return;
        vm.prank(borrower);
        try desk.claim(borrower) {} catch {
            ++stuck;
        }
    }

    function lend(bool tokens, uint256 amount) external {
        amount = tokens ? bound(amount, 1e6, 10_000e6) : bound(amount, 1 gwei, 10 ether);
        if (tokens)
            try lender.deposit(amount, address(this)) {} catch {
                if (lender.previewDeposit(amount) > 0) ++stuck;
            }
        else
            try pool.fund{value: amount}(0) {} catch {
                if ((amount * (pool.totalSupply() + 1_000)) / (pool.totalAssets() + 1) > 0) ++stuck;
            }
    }

    function leave(bool tokens, uint256 shares) external {
        shares = bound(shares, 0, tokens ? lender.maxRedeem(address(this)) : pool.balanceOf(address(this)));
        if (tokens)
            try lender.redeem(shares, address(this), address(this)) {} catch {
                ++stuck;
            }
        else
            try pool.withdraw(shares) {} catch {
                uint256 value = pool.valueOf(shares);
                bool last = shares == pool.totalSupply() && pool.outstanding() > 0;
                if (value > 0 && value <= pool.cash() && !last) ++stuck;
            }
    }

    function movePrice(uint256 price) external {
        feed.set(int256(bound(price, 500e8, 4_000e8)));
    }

    // ---------------------------------------------------------------- help

    /// @dev Written anew, from what was answered and declined: whatever binds the borrower now.
    function _isRefused(ILendingDesk desk, uint256 loanId) private view returns (bool) {
        uint256 own = desk.loan(loanId).requestId;
        if (oracle.stateOf(own) == IAIRiskOracle.RequestState.Answered) return true;
        if (desk.loan(loanId).state == ILendingDesk.LoanState.Review) return true;
        (IAIRiskOracle.DeclineReason why, ) = oracle.declineOf(own);
        if (_isTheWallets(why)) return true;
        if (block.timestamp < _refusedAt[desk] + COOLDOWN) return true;
        uint256 count = oracle.requestCount();
        for (uint256 id = count; id > 0 && id + 5 > count; --id) {
            uint256 at;
            (why, at) = oracle.declineOf(id);
            if (_isTheWallets(why) && block.timestamp < at + COOLDOWN) return true;
            if (oracle.stateOf(id) != IAIRiskOracle.RequestState.Answered || _approves(desk, id)) continue;
            if (block.timestamp < oracle.assessmentOf(id).issuedAt + COOLDOWN) return true;
        }
        return false;
    }

    function _isTheWallets(IAIRiskOracle.DeclineReason why) private pure returns (bool) {
        return uint8(why) == 3 || uint8(why) == 5;
    }

    function _approves(ILendingDesk desk, uint256 requestId) private view returns (bool) {
        uint256 minimum = (address(desk) == address(pool) ? pool.policy() : lender.policy()).minimumConfidence;
        IAIRiskOracle.Assessment memory a = oracle.assessmentOf(requestId);
        return a.category == 0 && a.score >= 7_000 && a.fraudLikelihood < 2_000 && a.confidence >= minimum;
    }

    function _policy(uint16 minimumConfidence, uint256 limit) private pure returns (ILendingDesk.Policy memory) {
        ILendingDesk.Policy memory p = openPolicy();
        p.minimumConfidence = minimumConfidence;
        p.borrowerLimit = uint128(limit);
        p.lateInterestRate = 1_000;
        return p;
    }

    function _assets(ILendingDesk desk) private view returns (uint256) {
        return LoanBook(payable(address(desk))).lenderAssets();
    }

    function _loan(uint256 which) private view returns (ILendingDesk, uint256) {
        Application memory a = _pick(which);
        vm.assume(a.kind != LendingKind.None);
        return (a.kind == LendingKind.Token ? ILendingDesk(address(lender)) : ILendingDesk(address(pool)), a.loanId);
    }
}
