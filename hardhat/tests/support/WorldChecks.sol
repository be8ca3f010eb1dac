// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../../contracts/interfaces/ILendingDesk.sol";
import {LoanBook} from "../../contracts/lending/LoanBook.sol";
import {SmartLending} from "../../contracts/lending/SmartLending.sol";
import {TokenLender} from "../../contracts/lending/TokenLender.sol";
import {AskingWorld} from "./AskingWorld.sol";
import {LendingWorld} from "./LendingWorld.sol";
import {Checks} from "./Vm.sol";

/// @notice What always holds in a world, and what the runner may call there.
abstract contract WorldChecks is Checks {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    LendingWorld internal world;

    function _inhabit(LendingWorld world_) internal {
        world = world_;
        world_.build();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(world);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[] memory s = new bytes4[](24);
        s[0] = AskingWorld.ask.selector;
        s[1] = AskingWorld.askWithCallback.selector;
        s[2] = LendingWorld.applyFor.selector;
        s[3] = AskingWorld.answer.selector;
        s[4] = AskingWorld.forge.selector;
        s[5] = AskingWorld.decline.selector;
        s[6] = AskingWorld.cancel.selector;
        s[7] = AskingWorld.withdrawFees.selector;
        s[8] = AskingWorld.withdrawRefund.selector;
        s[9] = AskingWorld.changeFee.selector;
        s[10] = LendingWorld.changePolicy.selector;
        s[11] = AskingWorld.pass.selector;
        s[12] = LendingWorld.settle.selector;
        s[13] = LendingWorld.review.selector;
        s[14] = LendingWorld.takePlainTerms.selector;
        s[15] = LendingWorld.withdrawApplication.selector;
        s[16] = LendingWorld.reclaimFee.selector;
        s[17] = LendingWorld.repay.selector;
        s[18] = LendingWorld.liquidate.selector;
        s[19] = LendingWorld.claim.selector;
        s[20] = LendingWorld.lend.selector;
        s[21] = LendingWorld.leave.selector;
        s[22] = LendingWorld.movePrice.selector;
        s[23] = LendingWorld.borrow.selector;
        targets = new FuzzSelector[](1);
        targets[0] = FuzzSelector(address(world), s);
    }

    function _escrowAndOwedFeesAreTheBalance() internal view {
        (IAIRiskOracle oracle, uint256 earned) = world.theOracle();
        uint256 refunds;
        address[4] memory accounts = world.accounts();
        for (uint256 i = 0; i < 4; ++i) refunds += oracle.refundOf(accounts[i]);
        equal(address(oracle).balance, world.feesOfPending() + earned + refunds, "oracle balance");
    }

    function _requestsEndAtMostOnce() internal view {
        (IAIRiskOracle oracle, ) = world.theOracle();
        uint256 pending;
        for (uint256 id = 1; id <= world.requests(); ++id) {
            check(world.timesEnded(id) <= 1, "at most once");
            if (oracle.stateOf(id) == IAIRiskOracle.RequestState.Pending) ++pending;
        }
        equal(pending + world.ended(), world.requests(), "pending or ended");
        equal(oracle.requestCount(), world.requests(), "ids without a gap");
    }

    /// @dev A stored number is the decoding of what the verifier accepted; the decoding is written anew here.
    function _storedNumbersAreProven() internal view {
        (IAIRiskOracle oracle, ) = world.theOracle();
        uint256 latest;
        uint256 count = world.requests();
        for (uint256 id = 1; id <= world.requests(); ++id) {
            bool answered = oracle.stateOf(id) == IAIRiskOracle.RequestState.Answered;
            equal(world.timesTold(id), answered && world.wantsCallback(id) ? 1 : 0, "told once, when asked to");
            if (!answered) continue;
            if (id + 5 > count) latest = id;
            IAIRiskOracle.Assessment memory a = oracle.assessmentOf(id);
            _isShown(a, world.shownFor(id));
            if (world.wantsCallback(id)) equal(world.told(id), keccak256(abi.encode(a)), "what the callback said");
        }
        address user = world.accounts()[0];
        if (latest == 0) {
            check(!oracle.isFresh(user, type(uint256).max), "none among the last five");
            return;
        }
        bytes32 stored = keccak256(abi.encode(oracle.assessmentOf(latest)));
        equal(keccak256(abi.encode(oracle.getAssessment(user))), stored, "the user's answer");
    }

    function _forgedAnswersAreRefused() internal view {
        equal(world.forgedAccepted(), 0, "forged, accepted");
        equal(world.forgedRefusedForAnotherReason(), 0, "forged, refused for another reason");
        equal(world.honestRefused(), 0, "honest, refused");
    }

    function _refusalsLast() internal view {
        equal(world.wrongApprovals(), 0, "approved outside the policy, without a reviewer");
        equal(world.paidThoughRefused(), 0, "paid on plain terms, though refused");
    }

    function _nothingIsStuckAndNothingJumps() internal view {
        equal(world.stuck(), 0, "refused, though it must never be");
        equal(world.jumps(), 0, "gained by the lenders at once");
    }

    function _etherPoolOwnsWhatItOwes() internal view {
        SmartLending pool = world.pool();
        check(pool.valueOf(pool.totalSupply()) <= pool.totalAssets(), "shares are worth no more than the assets");
        _booksBalance(pool, pool.collateralHeld(), pool.outstanding());
        check(pool.outstanding() <= world.ETHER_LIMIT(), "one wallet owes no more than its limit");
        _nobodysIsNothing(pool, pool.totalSupply());
        _etherBalances(pool, pool.cash() + pool.collateralHeld(), pool.totalClaimable());
    }

    function _tokenPoolOwnsWhatItOwes() internal view {
        TokenLender lender = world.lender();
        equal(world.token().balanceOf(address(lender)), lender.cash(), "tokens are cash");
        check(lender.convertToAssets(lender.totalSupply()) <= lender.totalAssets(), "shares");
        _booksBalance(lender, lender.collateralHeld(), lender.outstanding());
        check(lender.outstanding() <= world.TOKEN_LIMIT(), "one wallet owes no more than its limit");
        _nobodysIsNothing(lender, lender.totalSupply());
        _etherBalances(lender, lender.collateralHeld(), lender.totalClaimable());
    }

    /// @dev Collateral is held for exactly the loans that are open; outstanding is exactly what active loans were paid.
    function _booksBalance(LoanBook desk, uint256 held, uint256 outstanding) private view {
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
        equal(desk.outstandingOf(world.accounts()[0]), principal, "of the one borrower");
    }

    /// @dev Where nobody has a share, there is nothing: no interest waits for a stranger.
    function _nobodysIsNothing(LoanBook desk, uint256 supply) private view {
        if (supply == 0) equal(desk.cash() + desk.outstanding() + desk.lockedProfit(), 0, "nobody's");
    }

    /// @dev Collateral that is no longer held is claimable, to the wei: ether that nobody can claim would show here. The
    /// refunds of requests are the borrowers', even before they reclaim them.
    function _etherBalances(LoanBook desk, uint256 kept, uint256 claimable) private view {
        (IAIRiskOracle oracle, ) = world.theOracle();
        uint256 fees;
        for (uint256 id = 1; id <= desk.loanCount(); ++id) {
            ILendingDesk.Loan memory l = desk.loan(id);
            IAIRiskOracle.RequestState state = oracle.stateOf(l.requestId);
            bool refunded =
                state == IAIRiskOracle.RequestState.Declined || state == IAIRiskOracle.RequestState.Cancelled;
            (IAIRiskOracle.DeclineReason reason, ) = oracle.declineOf(l.requestId);
            if (refunded && !l.feeReclaimed) fees += oracle.refundFor(l.fee, reason);
        }
        equal(address(desk).balance + oracle.refundOf(address(desk)), kept + claimable + fees, "ether");
        address[4] memory accounts = world.accounts();
        for (uint256 i = 0; i < 4; ++i) claimable -= desk.claimable(accounts[i]);
        equal(claimable, 0, "claimable by those who took part");
    }

    function _isShown(IAIRiskOracle.Assessment memory a, uint256[] memory instances) private view {
        equal(instances.length, 12, "a proof answered");
        uint256 riskiest;
        for (uint256 i = 1; i < 3; ++i) {
            // The margins' scales are the same.
            if (world.signed(instances[i + 2]) >= world.signed(instances[riskiest + 2])) riskiest = i;
        }
        equal(a.category, riskiest, "category");
        equal(a.score, _part(instances, 3, 10_000), "score");
        equal(a.probabilityOfDefault, _part(instances, 4, 10_000), "probability of default");
        equal(a.fraudLikelihood, _part(instances, 5, 10_000), "fraud likelihood");
        equal(a.interestRate, _part(instances, 6, 10_000), "interest rate");
        equal(a.durationDays, _part(instances, 7, 365), "duration");
        equal(a.maximumLtv, _part(instances, 8, 10_000), "maximum LTV");
        equal(a.confidence, _part(instances, 9, 10_000), "confidence");
    }

    /// @dev An output / 2**scale of the whole, rounded down, within the whole.
    function _part(uint256[] memory instances, uint256 output, uint256 whole) private view returns (uint256) {
        int256 value = world.signed(instances[output + 2]);
        if (value < 0) return 0;
        uint256 part = (uint256(value) * whole) / 2 ** uint8(world.scales()[output]);
        return part > whole ? whole : part;
    }
}
