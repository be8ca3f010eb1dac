// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {SignerSet} from "./SignerSet.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @title The oracle's money and settings, and who may change them
/// @dev The balance is always the fees of pending requests + earned fees + refunds.
abstract contract OracleSettings is IAIRiskOracle, SignerSet, AccessManaged, Pausable {
    using SafeCast for uint256;

    /// @dev All that an answer reads and writes besides its own request, in one slot. Wei and seconds.
    struct Ledger {
        uint40 requestCount;
        uint72 fee;
        uint80 earnedFees;
        uint24 requestLifetime;
        uint32 assessmentLifetime;
        uint8 threshold;
    }

    /// @notice Where earned fees go.
    address public payee;

    /// @notice The gas of an answer that the fee covers: 717,000 with its proof, and some to spare.
    uint256 public constant ANSWER_GAS = 750_000;

    /// @notice How long a fee that follows the base fee holds, at least: a borrower signs and sends with it.
    uint256 public constant FEE_HOLDS = 1 hours;

    /// @notice What a unit of a callback's gas costs, wei.
    uint72 public callbackGasPrice;

    /// @dev Between them the fee follows the base fee; both zero when it is fixed.
    uint72 private _minimumFee;
    uint72 private _maximumFee;
    uint40 private _feeChangedAt;

    /// @inheritdoc IAIRiskOracle
    mapping(address account => uint256 amountWei) public refundOf;

    Ledger internal _ledger;

    constructor(
        address[] memory signers_,
        uint8 threshold_,
        uint96 fee_,
        uint32 requestLifetimeSeconds,
        uint32 assessmentLifetimeSeconds,
        address payee_
    ) {
        _ledger.threshold = threshold_;
        _setSigners(signers_, threshold_);
        _setFees(fee_, (uint256(fee_) / ANSWER_GAS).toUint96());
        _setLifetimes(requestLifetimeSeconds, assessmentLifetimeSeconds);
        _setPayee(payee_);
    }

    // ----------------------------------------------------------------- money

    /// @inheritdoc IAIRiskOracle
    function withdrawFees() external {
        uint256 amount = _ledger.earnedFees;
        if (amount == 0) revert NothingToWithdraw();
        _ledger.earnedFees = 0;
        emit FeesWithdrawn(payee, amount);
        Address.sendValue(payable(payee), amount);
    }

    /// @inheritdoc IAIRiskOracle
    function withdrawRefund(address to) external {
        if (to == address(0)) revert ZeroReceiver();
        uint256 amount = refundOf[msg.sender];
        if (amount == 0) revert NothingToWithdraw();
        refundOf[msg.sender] = 0;
        emit RefundWithdrawn(msg.sender, to, amount);
        Address.sendValue(payable(to), amount);
    }

    // ------------------------------------------------------------ governance

    /// @notice Replace the signers; what the old set signed is void.
    function setSigners(address[] calldata signers_, uint8 threshold_) external restricted {
        _ledger.threshold = threshold_;
        _setSigners(signers_, threshold_);
    }

    /// @notice Fix the price of new requests, wei: of any, and of a unit of a callback's gas on top.
    function setFees(uint96 fee_, uint96 callbackGasPrice_) external restricted {
        (_minimumFee, _maximumFee) = (0, 0);
        _setFees(fee_, callbackGasPrice_);
    }

    /// @notice Let the fee follow the base fee within bounds, wei; anyone may {followBaseFee}.
    function setFeeBounds(uint96 minimumWei, uint96 maximumWei) external restricted {
        if (maximumWei == 0 || minimumWei > maximumWei) revert InvalidSetting("maximumFee", maximumWei);
        (_minimumFee, _maximumFee) = (uint256(minimumWei).toUint72(), uint256(maximumWei).toUint72());
        emit FeeBoundsChanged(minimumWei, maximumWei);
    }

    /// @notice Set the fee to what an answer costs at this block's base fee, within the bounds; at most once in {FEE_HOLDS}.
    function followBaseFee() external {
        if (_maximumFee == 0) revert FeeIsFixed();
        uint256 nextAt = _feeChangedAt + FEE_HOLDS;
        if (block.timestamp < nextAt) revert FeeChangedLately(nextAt);
        uint256 fee_ = Math.min(Math.max(block.basefee * ANSWER_GAS, _minimumFee), _maximumFee);
        _setFees(fee_.toUint96(), (fee_ / ANSWER_GAS).toUint96());
    }

    /// @notice Change how long new requests wait and how long new answers count, seconds.
    function setLifetimes(uint32 requestLifetimeSeconds, uint32 assessmentLifetimeSeconds) external restricted {
        _setLifetimes(requestLifetimeSeconds, assessmentLifetimeSeconds);
    }

    function setPayee(address payee_) external restricted {
        _setPayee(payee_);
    }

    /// @notice Stop new requests; answers, declines, cancellations and withdrawals go on.
    function pause() external restricted {
        _pause();
    }

    function unpause() external restricted {
        _unpause();
    }

    function _setFees(uint96 fee_, uint96 callbackGasPrice_) private {
        _ledger.fee = uint256(fee_).toUint72();
        callbackGasPrice = uint256(callbackGasPrice_).toUint72();
        _feeChangedAt = uint40(block.timestamp);
        emit FeesChanged(fee_, callbackGasPrice_);
    }

    function _setLifetimes(uint32 requestLifetimeSeconds, uint32 assessmentLifetimeSeconds) private {
        if (requestLifetimeSeconds == 0) revert InvalidSetting("requestLifetime", 0);
        if (assessmentLifetimeSeconds == 0) revert InvalidSetting("assessmentLifetime", 0);
        _ledger.requestLifetime = uint256(requestLifetimeSeconds).toUint24();
        _ledger.assessmentLifetime = assessmentLifetimeSeconds;
        emit LifetimesChanged(requestLifetimeSeconds, assessmentLifetimeSeconds);
    }

    function _setPayee(address payee_) private {
        if (payee_ == address(0)) revert InvalidSetting("payee", 0);
        payee = payee_;
        emit PayeeChanged(payee_);
    }

    // ----------------------------------------------------------------- views

    /// @inheritdoc IAIRiskOracle
    function fee() external view returns (uint96) {
        return _ledger.fee;
    }

    /// @inheritdoc IAIRiskOracle
    function callbackFee(uint24 callbackGas) public view returns (uint256) {
        return uint256(callbackGasPrice) * callbackGas;
    }

    /// @notice Within which bounds the fee follows the base fee, wei; zeros when it is fixed.
    function feeBounds() external view returns (uint96 minimumWei, uint96 maximumWei) {
        return (_minimumFee, _maximumFee);
    }

    /// @inheritdoc IAIRiskOracle
    function requestCount() external view returns (uint256) {
        return _ledger.requestCount;
    }

    /// @notice How many signatures an answer needs, exactly.
    function threshold() external view returns (uint8) {
        return _ledger.threshold;
    }

    /// @inheritdoc IAIRiskOracle
    function lifetimes() external view returns (uint32 requestLifetimeSeconds, uint32 assessmentLifetimeSeconds) {
        return (_ledger.requestLifetime, _ledger.assessmentLifetime);
    }

    /// @notice Fees earned and not withdrawn, wei.
    function earnedFees() external view returns (uint256) {
        return _ledger.earnedFees;
    }
}
