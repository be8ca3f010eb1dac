// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../interfaces/IAcceptedIssuers.sol";
import {LendingDesk} from "./LendingDesk.sol";
import {LoanBook} from "./LoanBook.sol";

/// @title Ether loans against ether collateral, decided by proven assessments
/// @notice Lenders {fund} and hold shares; a share is worth its part of cash and outstanding principal. Interest counts
/// when it is paid.
contract SmartLending is LendingDesk, ERC20 {
    /// @dev Virtual shares and assets: an inflation of the first share's price costs the attacker a thousandfold.
    uint256 private constant VIRTUAL_SHARES = 1_000;
    uint256 private constant VIRTUAL_ASSETS = 1;

    /// @notice Of a late loan's collateral, what whoever liquidates it earns, basis points.
    uint256 public constant LIQUIDATION_BONUS = 100;

    event Funded(address indexed lender, uint256 amountWei, uint256 shares);
    event Withdrawn(address indexed lender, uint256 amountWei, uint256 shares);

    /// @param admin the access manager: the policy, and who reviews
    /// @param acceptedIssuers_ whose word about private data is taken; zero: no private data are
    constructor(
        address admin,
        IAIRiskOracle oracle_,
        IAcceptedIssuers acceptedIssuers_,
        Policy memory policy_
    ) LoanBook(admin, oracle_, acceptedIssuers_, policy_) ERC20("AI Risk Oracle lending share", "aroETH") {}

    // ------------------------------------------------------------- lenders

    /// @notice Deposit ether, receive shares (rounded down).
    /// @param minimumShares fewer are refused: their price may have moved
    function fund(uint256 minimumShares) external payable nonReentrant returns (uint256 shares) {
        shares = Math.mulDiv(msg.value, totalSupply() + VIRTUAL_SHARES, totalAssets() + VIRTUAL_ASSETS);
        if (shares == 0) revert ZeroShares();
        if (shares < minimumShares) revert TooFewShares(shares, minimumShares);
        cash += msg.value;
        emit Funded(msg.sender, msg.value, shares);
        _mint(msg.sender, shares);
    }

    /// @notice Burn shares, receive their part of the pool (rounded down); at most what is not lent out. With the last
    /// shares goes all that is here, and no loan may be open.
    function withdraw(uint256 shares) external nonReentrant returns (uint256 amountWei) {
        return _withdraw(shares);
    }

    /// @notice Like {withdraw}, and refuses to pay less than that: whoever enters just before the last lender leaves would
    /// have what is locked.
    function leave(uint256 shares, uint256 minimumWei) external nonReentrant returns (uint256 amountWei) {
        amountWei = _withdraw(shares);
        if (amountWei < minimumWei) revert TooLittleForShares(amountWei, minimumWei);
    }

    function _withdraw(uint256 shares) private returns (uint256 amountWei) {
        amountWei = valueOf(shares);
        if (amountWei == 0) revert ZeroShares();
        if (shares == totalSupply()) {
            amountWei = _bookLastWithdrawal();
        } else {
            if (amountWei > cash) revert InsufficientLiquidity(amountWei, cash);
            _bookWithdrawal(amountWei);
        }
        emit Withdrawn(msg.sender, amountWei, shares);
        _burn(msg.sender, shares);
        Address.sendValue(payable(msg.sender), amountWei);
    }

    /// @notice What the lenders own, wei.
    function totalAssets() public view returns (uint256) {
        return lenderAssets();
    }

    /// @notice What shares are worth, wei, rounded down.
    function valueOf(uint256 shares) public view returns (uint256 amountWei) {
        return Math.mulDiv(shares, totalAssets() + VIRTUAL_ASSETS, totalSupply() + VIRTUAL_SHARES);
    }

    // ----------------------------------------------------------- borrowers

    /// @notice Pay back principal and interest ({owed}); what is sent beyond it comes back. Late is allowed, and marked.
    function repay(uint256 loanId) external payable nonReentrant {
        Loan storage record = _inState(loanId, LoanState.Active);
        uint256 due = _owed(record);
        if (msg.value < due) revert PaymentTooSmall(msg.value, due);
        _bookRepayment(loanId, record, due);
        if (msg.value > due) _sendOrCredit(msg.sender, msg.value - due);
    }

    /// @notice After maturity and grace, anyone, for a bonus: the pool takes what is owed from the collateral, the rest goes
    /// back.
    function liquidate(uint256 loanId) external nonReentrant {
        Loan storage record = _inState(loanId, LoanState.Active);
        if (block.timestamp < _defaultsAt(record)) revert LiquidationTooEarly(loanId, _defaultsAt(record));
        uint256 bonus = Math.mulDiv(record.collateral, LIQUIDATION_BONUS, BASIS_POINTS);
        uint256 recovered = Math.min(_owed(record), record.collateral - bonus);
        _bookDefault(loanId, record, recovered, recovered + bonus);
        _sendOrCredit(msg.sender, bonus);
    }

    function _principalFor(uint256 collateral, uint256 ltvBps) internal pure override returns (uint256) {
        return Math.mulDiv(collateral, ltvBps, BASIS_POINTS);
    }

    function _collateralValue(uint256) internal pure override returns (uint256) {
        return 0;
    }

    function _payOut(address to, uint256 amount) internal override {
        _sendOrCredit(to, amount);
    }

    function _principalToken() internal pure override returns (address) {
        return address(0);
    }
}
