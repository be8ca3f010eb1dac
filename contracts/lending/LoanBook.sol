// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../interfaces/IAcceptedIssuers.sol";
import {ILendingDesk} from "../interfaces/ILendingDesk.sol";
import {Policies} from "../lib/Policies.sol";

/// @title The books of a lender: loans, lender money, collateral, what is owed to whom
/// @notice Collateral is ether. A loan's collateral is held, credited to its borrower, or taken at a default: never
/// anything else. Lender money is `cash` and `outstanding`, counted here and never read off a balance.
abstract contract LoanBook is ILendingDesk, AccessManaged, ReentrancyGuardTransient {
    using SafeCast for uint256;

    uint256 internal constant BASIS_POINTS = 10_000;

    /// @notice Seconds over which a paid interest becomes the lenders', at least: it takes as long as the loan ran. Sooner,
    /// it could be skimmed by whoever enters just before a repayment. What is locked already keeps its time: both become
    /// one amount, whose time is the mean of theirs, weighted by amount.
    uint256 public constant MINIMUM_PROFIT_UNLOCK = 3 days;

    /// @inheritdoc ILendingDesk
    IAIRiskOracle public immutable oracle;

    /// @inheritdoc ILendingDesk
    IAcceptedIssuers public immutable acceptedIssuers;

    /// @notice Lender money in this contract, in the principal token's smallest unit.
    uint256 public cash;

    /// @notice Principal of active loans.
    uint256 public outstanding;

    /// @inheritdoc ILendingDesk
    mapping(address borrower => uint256 principal) public outstandingOf;

    /// @notice Collateral of loans that are requested, in review or active, wei.
    uint256 public collateralHeld;

    /// @notice What an account may {claim}, wei; and the sum of all.
    mapping(address account => uint256 amountWei) public claimable;
    uint256 public totalClaimable;

    /// @inheritdoc ILendingDesk
    uint256 public loanCount;

    uint128 private _lockedProfit;
    uint64 private _lockedAt;
    uint64 private _unlockedAt;
    Policy internal _policy;
    mapping(uint256 loanId => Loan) internal _loans;

    /// @inheritdoc ILendingDesk
    mapping(uint256 loanId => bytes32) public commitmentOf;

    constructor(
        address admin,
        IAIRiskOracle oracle_,
        IAcceptedIssuers acceptedIssuers_,
        Policy memory policy_
    ) AccessManaged(admin) {
        if (address(oracle_).code.length == 0) revert InvalidPolicy("oracle", uint160(address(oracle_)));
        if (address(acceptedIssuers_) != address(0) && address(acceptedIssuers_).code.length == 0)
            revert InvalidPolicy("acceptedIssuers", uint160(address(acceptedIssuers_)));
        oracle = oracle_;
        acceptedIssuers = acceptedIssuers_;
        _setPolicy(policy_);
    }

    /// @dev Only the oracle's refunds arrive without a call.
    receive() external payable {
        if (msg.sender != address(oracle)) revert UnexpectedPayment(msg.sender);
    }

    // --------------------------------------------------------------- money

    /// @inheritdoc ILendingDesk
    function reclaimFee(uint256 loanId) external nonReentrant {
        Loan storage record = _loans[loanId];
        IAIRiskOracle.RequestState answer = oracle.stateOf(record.requestId);
        bool refunded = answer == IAIRiskOracle.RequestState.Declined || answer == IAIRiskOracle.RequestState.Cancelled;
        if (!refunded || record.feeReclaimed) revert FeeNotRefundable(loanId);
        record.feeReclaimed = true;
        (IAIRiskOracle.DeclineReason reason, ) = oracle.declineOf(record.requestId);
        _credit(record.borrower, oracle.refundFor(record.fee, reason));
        // One withdrawal fetches the refunds of all loans: later ones find theirs here.
        if (oracle.refundOf(address(this)) > 0) oracle.withdrawRefund(address(this));
    }

    /// @inheritdoc ILendingDesk
    function claim(address to) external nonReentrant {
        if (to == address(0)) revert ZeroReceiver();
        uint256 amount = claimable[msg.sender];
        if (amount == 0) revert NothingToClaim();
        claimable[msg.sender] = 0;
        totalClaimable -= amount;
        emit Claimed(msg.sender, to, amount);
        Address.sendValue(payable(to), amount);
    }

    /// @dev Book a repayment and release the collateral; the caller has received the amount.
    function _bookRepayment(uint256 loanId, Loan storage record, uint256 amount) internal {
        bool late = block.timestamp > record.dueAt;
        record.state = LoanState.Repaid;
        cash += amount;
        _bookEnd(record);
        _lock(amount - record.principal, record.startedAt);
        emit LoanRepaid(loanId, record.borrower, amount, late);
        _creditCollateral(record);
    }

    /// @dev Book a default: `recovered` principal token came in, `seized` wei of collateral went, the rest goes back.
    function _bookDefault(uint256 loanId, Loan storage record, uint256 recovered, uint256 seized) internal {
        uint256 due = _owed(record);
        record.state = LoanState.Defaulted;
        cash += recovered;
        _bookEnd(record);
        if (recovered >= record.principal) {
            _lock(recovered - record.principal, record.startedAt);
        } else {
            // Interest that nobody owns yet bears a loss first.
            uint256 locked = lockedProfit();
            _lockedProfit = (locked - Math.min(locked, record.principal - recovered)).toUint128();
            _lockedAt = uint64(block.timestamp);
        }
        collateralHeld -= record.collateral;
        emit LoanDefaulted(loanId, record.borrower, due, recovered);
        if (record.collateral > seized) _credit(record.borrower, record.collateral - seized);
    }

    function _bookEnd(Loan storage record) private {
        outstanding -= record.principal;
        outstandingOf[record.borrower] -= record.principal;
    }

    /// @dev What the last lender, who leaves, takes: everything, for nobody is there to skim what is locked.
    function _bookLastWithdrawal() internal returns (uint256 amount) {
        if (outstanding > 0) revert LoansOutstanding(outstanding);
        amount = cash;
        cash = 0;
        _lockedProfit = 0;
    }

    /// @dev What a lender takes. The only one may take of the locked, too: it cannot be more than what stays.
    function _bookWithdrawal(uint256 amount) internal {
        uint256 locked = lockedProfit();
        cash -= amount;
        if (locked > cash + outstanding)
            (_lockedProfit, _lockedAt) = ((cash + outstanding).toUint128(), uint64(block.timestamp));
    }

    /// @dev Let a profit become the lenders' bit by bit, in the time that it took to earn.
    function _lock(uint256 profit, uint256 earnedSince) private {
        uint256 locked = lockedProfit();
        uint256 total = locked + profit;
        if (total == 0) return;
        uint256 left = locked == 0 ? 0 : _unlockedAt - block.timestamp;
        _lockedProfit = total.toUint128();
        _lockedAt = uint64(block.timestamp);
        uint256 time = Math.max(block.timestamp - earnedSince, MINIMUM_PROFIT_UNLOCK);
        _unlockedAt = uint64(block.timestamp + Math.ceilDiv(locked * left + profit * time, total));
    }

    /// @dev First second in which a loan may be liquidated for lateness.
    function _defaultsAt(Loan storage record) internal view returns (uint256) {
        return uint256(record.dueAt) + record.gracePeriod + 1;
    }

    function _creditCollateral(Loan storage record) internal {
        collateralHeld -= record.collateral;
        _credit(record.borrower, record.collateral);
    }

    function _credit(address account, uint256 amountWei) internal {
        claimable[account] += amountWei;
        totalClaimable += amountWei;
        emit Credited(account, amountWei);
    }

    /// @dev Send ether, or credit it when the receiver refuses: nobody's contract can block a decision.
    function _sendOrCredit(address to, uint256 amountWei) internal {
        if (!LowLevelCall.callNoReturn(to, amountWei, "")) _credit(to, amountWei);
    }

    function _inState(uint256 loanId, LoanState expected) internal view returns (Loan storage record) {
        record = _loans[loanId];
        if (record.state != expected) revert LoanInState(loanId, record.state);
    }

    function _owed(Loan storage record) internal view returns (uint256) {
        uint256 principal = record.principal;
        // Basis points times seconds: the whole time at the loan's rate, what is late at the late rate too.
        uint256 weight = record.interestRate * (block.timestamp - record.startedAt);
        if (block.timestamp > record.dueAt) weight += record.lateInterestRate * (block.timestamp - record.dueAt);
        return principal + Math.mulDiv(principal, weight, BASIS_POINTS * 365 days, Math.Rounding.Ceil);
    }

    // ---------------------------------------------------------- governance

    /// @notice Change the policy; it holds for decisions from now on.
    function setPolicy(Policy calldata policy_) public virtual restricted {
        _setPolicy(policy_);
    }

    function _setPolicy(Policy memory policy_) private {
        Policies.check(policy_);
        // Otherwise nobody could ask.
        if (policy_.passportRequired && address(acceptedIssuers) == address(0))
            revert InvalidPolicy("passportRequired", 1);
        _policy = policy_;
        emit PolicyChanged(policy_);
    }

    // --------------------------------------------------------------- views

    /// @notice What the lenders own, in the principal token's smallest unit.
    function lenderAssets() public view returns (uint256) {
        return cash + outstanding - lockedProfit();
    }

    /// @notice Interest that was paid and is not the lenders' yet.
    function lockedProfit() public view returns (uint256) {
        if (block.timestamp >= _unlockedAt) return 0;
        uint256 left = _unlockedAt - block.timestamp;
        return Math.mulDiv(_lockedProfit, left, _unlockedAt - _lockedAt, Math.Rounding.Ceil);
    }

    function policy() external view returns (Policy memory) {
        return _policy;
    }

    /// @inheritdoc ILendingDesk
    function loan(uint256 loanId) external view returns (Loan memory) {
        return _loans[loanId];
    }

    /// @inheritdoc ILendingDesk
    function owed(uint256 loanId) external view returns (uint256) {
        return _owed(_inState(loanId, LoanState.Active));
    }
}
