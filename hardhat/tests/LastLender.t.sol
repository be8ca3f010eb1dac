// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {TokenLender} from "../contracts/lending/TokenLender.sol";
import {DeskFixture} from "./support/DeskFixture.sol";

/// @title Who gets the interest when lenders leave, at both lenders
contract LastLenderTest is DeskFixture {
    address private constant STRANGER = address(0x57A6);

    /// @dev A loan that ran its time and paid its interest, all of which is locked.
    function _earn(ILendingDesk desk) private returns (uint256 interest) {
        uint256 loanId = _active(desk);
        ILendingDesk.Loan memory l = desk.loan(loanId);
        vm.warp(l.dueAt);
        interest = desk.owed(loanId) - l.principal;
        if (address(desk) == address(pool)) pool.repay{value: l.principal + interest}(loanId);
        else lender.repay(loanId, type(uint256).max);
        equal(_book(desk).lockedProfit(), interest, "locked");
    }

    function _shares(ILendingDesk desk, address who) private view returns (uint256) {
        return address(desk) == address(pool) ? pool.balanceOf(who) : lender.balanceOf(who);
    }

    function _leave(ILendingDesk desk, uint256 shares) private returns (uint256) {
        if (address(desk) == address(pool)) return pool.withdraw(shares);
        return lender.redeem(shares, address(this), address(this));
    }

    /// @dev A stranger with very little enters.
    function _strangerEnters(ILendingDesk desk, uint256 amount) private returns (uint256 shares) {
        if (address(desk) == address(pool)) {
            vm.deal(STRANGER, amount);
            vm.prank(STRANGER);
            return pool.fund{value: amount}(0);
        }
        token.mint(STRANGER, amount);
        vm.prank(STRANGER);
        token.approve(address(lender), amount);
        vm.prank(STRANGER);
        return lender.deposit(amount, STRANGER);
    }

    function test_last_lender__when_it_leaves__then_it_takes_the_interest_that_is_locked() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 interest = _earn(desk);
            uint256 all = (i == 0 ? 50 ether : 100_000 * DOLLARS) + interest;
            if (i == 1) {
                equal(lender.maxRedeem(address(this)), lender.totalSupply(), "all shares");
                equal(lender.previewRedeem(lender.totalSupply()), all, "what they fetch");
                equal(lender.maxWithdraw(address(this)), all, "and may be taken");
            }
            equal(_leave(desk, _shares(desk, address(this))), all, "everything");
            equal(_book(desk).cash() + _book(desk).lockedProfit() + _book(desk).lenderAssets(), 0, "nothing is left");

            // Whoever comes next finds nothing of it, and a price that is not coarse.
            uint256 amount = i == 0 ? 1 gwei : 10;
            equal(_strangerEnters(desk, amount), amount * 1_000, "shares at the first price");
            vm.warp(_time() + 200 days);
            equal(_book(desk).lenderAssets(), amount, "no more than was brought");
        }
    }

    function test_last_lender__when_others_stay__then_the_interest_is_theirs() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            _strangerEnters(desk, i == 0 ? 1 ether : 1_000 * DOLLARS);
            uint256 interest = _earn(desk);
            uint256 left = _leave(desk, _shares(desk, address(this)));
            check(left <= (i == 0 ? 50 ether : 100_000 * DOLLARS), "what was brought, no more");
            vm.warp(_time() + 60 days);
            uint256 brought = i == 0 ? 1 ether : 1_000 * DOLLARS;
            check(_book(desk).lenderAssets() >= brought + interest - 2, "the one who stayed has it");
        }
    }

    /// @dev Somebody enters just before the last lender leaves, and would be the last instead.
    function test_leave__when_somebody_enters_just_before__then_nothing_is_lost() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            uint256 all = (i == 0 ? 50 ether : 100_000 * DOLLARS) + _earn(desk);
            uint256 shares = _shares(desk, address(this));
            uint256 before = vm.snapshotState();
            _strangerEnters(desk, i == 0 ? 1 gwei : 10);
            vm.expectPartialRevert(ILendingDesk.TooLittleForShares.selector);
            if (i == 0) pool.leave(shares, all);
            else lender.leave(shares, address(this), all);
            vm.revertToState(before);
            equal(i == 0 ? pool.leave(shares, all) : lender.leave(shares, address(this), all), all, "all of it");
        }
    }

    /// @dev What a loan pays back would be nobody's: one share at least stays for it.
    function test_last_lender__when_loans_are_out__then_the_last_share_stays() public {
        for (uint256 i = 0; i < 2; ++i) {
            ILendingDesk desk = _desks()[i];
            _earn(desk);
            // A loan so small that the locked interest is more, so that all the assets are here in cash.
            ILendingDesk.Order memory order = _order(desk);
            order.principal = 1_000;
            desk.settle(_answered(desk, order, _lowOutputs()));
            uint256 shares = _shares(desk, address(this));
            if (i == 0) vm.expectRevert(abi.encodeWithSelector(ILendingDesk.LoansOutstanding.selector, 1_000));
            else vm.expectPartialRevert(ERC4626.ERC4626ExceededMaxRedeem.selector);
            _leave(desk, shares);
            _leave(desk, shares - 1);
        }
    }

    function test_withdraw__when_the_sole_lender_leaves_something__then_a_share_keeps_it() public {
        uint256 interest = _earn(lender);
        uint256 worth = lender.convertToAssets(lender.totalSupply());
        // More than the shares are worth, less than is there: the locked part of it is the owner's, too.
        lender.withdraw(worth + interest / 2, address(this), address(this));
        equal(lender.totalSupply(), 1, "one share");
        uint256 rest = lender.maxWithdraw(address(this));
        equal(rest, lender.cash(), "owns the rest");
        lender.withdraw(rest, address(this), address(this));
        equal(lender.totalSupply() + lender.cash(), 0, "all gone");
    }

    function test_fund__when_it_would_buy_fewer_shares_than_asked__then_it_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.TooFewShares.selector, 1_000 ether, 1_000 ether + 1));
        pool.fund{value: 1 ether}(1_000 ether + 1);
        equal(pool.fund{value: 1 ether}(1_000 ether), 1_000 ether, "exactly as many");
        uint256 shares = 100 * DOLLARS * 1_000;
        vm.expectRevert(abi.encodeWithSelector(ILendingDesk.TooFewShares.selector, shares, shares + 1));
        lender.fund(100 * DOLLARS, address(this), shares + 1);
        equal(lender.fund(100 * DOLLARS, STRANGER, shares), shares, "exactly as many");
        equal(lender.balanceOf(STRANGER), shares, "for whom they were bought");
    }
}
