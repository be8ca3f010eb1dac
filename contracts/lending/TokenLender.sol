// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {ERC4626} from "@openzeppelin/contracts/token/ERC20/extensions/ERC4626.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../interfaces/IAcceptedIssuers.sol";
import {IPriceFeed} from "../interfaces/IPriceFeed.sol";
import {LendingDesk} from "./LendingDesk.sol";
import {LoanBook} from "./LoanBook.sol";

/// @title Token loans (a dollar token, say) against ether collateral, decided by proven assessments
/// @notice Lenders hold ERC-4626 shares; at most what is not lent out can leave. Tokens that take a fee on a transfer
/// are refused at the first deposit.
contract TokenLender is LendingDesk, ERC4626 {
    /// @notice What a liquidator earns on top of the debt that it pays, basis points.
    uint256 public constant LIQUIDATION_BONUS = 500;

    /// @notice A loan is liquidated before maturity when it owes more than this part of its collateral's value, basis points.
    uint16 public immutable LIQUIDATION_LTV;

    /// @notice How old the feed's price may be, seconds.
    uint32 public immutable MAXIMUM_PRICE_AGE;

    /// @notice Price of one ether in whole tokens, scaled by the feed's decimals.
    IPriceFeed public priceFeed;

    event PriceFeedChanged(IPriceFeed priceFeed);

    error PriceNotPositive(int256 price);
    error PriceStale(uint256 updatedAt, uint256 maximumAgeSeconds);
    error TransferFell(uint256 received, uint256 expected);

    /// @param admin the access manager: the policy, the price feed, and who reviews
    /// @param acceptedIssuers_ whose word about private data is taken; zero: no private data are
    /// @param asset_ the token that is lent
    /// @param priceFeed_ price of one ether in that token
    /// @param liquidationLtvBps above the policy's maximum loan to value, 9,523 at most
    /// @param maximumPriceAgeSeconds about twice the feed's heartbeat
    constructor(
        address admin,
        IAIRiskOracle oracle_,
        IAcceptedIssuers acceptedIssuers_,
        Policy memory policy_,
        IERC20 asset_,
        IPriceFeed priceFeed_,
        uint16 liquidationLtvBps,
        uint32 maximumPriceAgeSeconds
    )
        LoanBook(admin, oracle_, acceptedIssuers_, policy_)
        ERC4626(asset_)
        ERC20(
            string.concat("AI Risk Oracle lending share of ", IERC20Metadata(address(asset_)).symbol()),
            string.concat("aro", IERC20Metadata(address(asset_)).symbol())
        )
    {
        // Above that the bonus is worth more than what is left of the collateral.
        if (liquidationLtvBps > (BASIS_POINTS * BASIS_POINTS) / (BASIS_POINTS + LIQUIDATION_BONUS)) {
            revert InvalidPolicy("liquidationLtv", liquidationLtvBps);
        }
        LIQUIDATION_LTV = liquidationLtvBps;
        _checkRoom(policy_);
        MAXIMUM_PRICE_AGE = maximumPriceAgeSeconds;
        _setPriceFeed(priceFeed_);
    }

    // ----------------------------------------------------------- borrowers

    /// @notice Pay back principal and interest ({owed}), taken from the caller; late is allowed, and marked.
    /// @param maximum the most that may be taken: interest runs until the transaction is mined, and where the token takes a
    /// fee on transfers that is paid on top
    function repay(uint256 loanId, uint256 maximum) external nonReentrant {
        Loan storage record = _inState(loanId, LoanState.Active);
        uint256 due = _owed(record);
        if (maximum < due) revert PaymentTooSmall(maximum, due);
        _bookRepayment(loanId, record, due);
        _collect(due, maximum);
    }

    /// @notice Anyone, when a loan is late beyond its grace or owes too much of its collateral's value: pay its debt and
    /// take collateral worth that plus a bonus; the rest goes back. When the collateral is worth less, pay less.
    /// @param maximum the most that may be taken from the caller
    function liquidate(uint256 loanId, uint256 maximum) external nonReentrant {
        Loan storage record = _inState(loanId, LoanState.Active);
        uint256 due = _owed(record);
        uint256 value = _principalFor(record.collateral, BASIS_POINTS);
        uint256 allowed = Math.mulDiv(value, LIQUIDATION_LTV, BASIS_POINTS);
        if (block.timestamp < _defaultsAt(record) && due <= allowed)
            revert LiquidationTooEarly(loanId, _defaultsAt(record));
        uint256 worth = Math.mulDiv(due, BASIS_POINTS + LIQUIDATION_BONUS, BASIS_POINTS);
        uint256 seized = record.collateral;
        uint256 paid = Math.mulDiv(value, BASIS_POINTS, BASIS_POINTS + LIQUIDATION_BONUS);
        if (worth <= value) {
            seized = Math.mulDiv(record.collateral, worth, value);
            paid = due;
        }
        if (maximum < paid) revert PaymentTooSmall(maximum, paid);

        _bookDefault(loanId, record, paid, seized);
        _collect(paid, maximum);
        _sendOrCredit(msg.sender, seized);
    }

    // ------------------------------------------------------------- lenders

    /// @inheritdoc ERC4626
    function totalAssets() public view override returns (uint256) {
        return lenderAssets();
    }

    /// @notice Like {deposit}, and refuses fewer shares than that: their price may have moved.
    function fund(uint256 assets, address receiver, uint256 minimumShares) external returns (uint256 shares) {
        shares = deposit(assets, receiver);
        if (shares < minimumShares) revert TooFewShares(shares, minimumShares);
    }

    /// @notice Like {redeem} of one's own, and refuses to pay less than that: whoever enters just before the last lender
    /// leaves would have what is locked.
    function leave(uint256 shares, address receiver, uint256 minimumAssets) external returns (uint256 assets) {
        assets = redeem(shares, receiver, msg.sender);
        if (assets < minimumAssets) revert TooLittleForShares(assets, minimumAssets);
    }

    /// @inheritdoc ERC4626
    function maxWithdraw(address owner) public view override returns (uint256) {
        return Math.min(super.maxWithdraw(owner), cash);
    }

    /// @inheritdoc ERC4626
    function maxRedeem(address owner) public view override returns (uint256) {
        uint256 shares = super.maxRedeem(owner);
        if (shares > 0 && shares == totalSupply()) {
            if (outstanding == 0) return shares;
            // The last share stays while loans are out: what they pay back would be nobody's.
            --shares;
        }
        return Math.min(shares, _convertToShares(cash, Math.Rounding.Floor));
    }

    /// @inheritdoc ERC4626
    /// @dev With the last shares goes all that is here.
    function previewRedeem(uint256 shares) public view override returns (uint256) {
        bool last = shares > 0 && shares == totalSupply() && outstanding == 0;
        return last ? cash : super.previewRedeem(shares);
    }

    /// @inheritdoc ERC4626
    function previewWithdraw(uint256 assets) public view override returns (uint256) {
        uint256 shares = super.previewWithdraw(assets);
        uint256 supply = totalSupply();
        if (outstanding > 0 || supply == 0 || shares < supply || assets > cash) return shares;
        // Whoever has all shares and leaves something keeps one, which that belongs to.
        return assets < cash ? Math.max(supply - 1, 1) : supply;
    }

    function _deposit(address caller, address receiver, uint256 assets, uint256 shares) internal override nonReentrant {
        if (shares == 0) revert ZeroShares();
        super._deposit(caller, receiver, assets, shares);
        cash += assets;
    }

    function _withdraw(
        address caller,
        address receiver,
        address owner,
        uint256 assets,
        uint256 shares
    ) internal override nonReentrant {
        if (shares == totalSupply() && assets == cash) _bookLastWithdrawal();
        else _bookWithdrawal(assets);
        super._withdraw(caller, receiver, owner, assets, shares);
    }

    /// @dev Virtual shares: an inflation of the first share's price costs the attacker a thousandfold.
    function _decimalsOffset() internal pure override returns (uint8) {
        return 3;
    }

    // ------------------------------------------------------ price and token

    /// @notice Replace the price feed.
    function setPriceFeed(IPriceFeed priceFeed_) external restricted {
        _setPriceFeed(priceFeed_);
    }

    /// @inheritdoc LoanBook
    function setPolicy(Policy calldata policy_) public override {
        _checkRoom(policy_);
        super.setPolicy(policy_);
    }

    /// @dev No loan may be there to be liquidated from its first second on.
    function _checkRoom(Policy memory policy_) private view {
        if (LIQUIDATION_LTV <= policy_.maximumLtv) revert InvalidPolicy("liquidationLtv", LIQUIDATION_LTV);
    }

    function _setPriceFeed(IPriceFeed priceFeed_) private {
        if (address(priceFeed_).code.length == 0) revert InvalidPolicy("priceFeed", uint160(address(priceFeed_)));
        priceFeed = priceFeed_;
        emit PriceFeedChanged(priceFeed_);
    }

    /// @dev Refuses a token that delivers less than was sent.
    function _transferIn(address from, uint256 assets) internal override {
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        super._transferIn(from, assets);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != assets) revert TransferFell(received, assets);
    }

    /// @dev Take from the caller until this much has arrived, `maximum` at most: what a token withholds, the payer adds.
    function _collect(uint256 due, uint256 maximum) private {
        IERC20 token = IERC20(asset());
        uint256 before = token.balanceOf(address(this));
        uint256 taken = due;
        super._transferIn(msg.sender, due);
        uint256 arrived = token.balanceOf(address(this)) - before;
        if (arrived < due) {
            if (arrived == 0) revert TransferFell(0, due);
            // What is missing, and what will be withheld of it, at the rate just seen.
            uint256 more = Math.mulDiv(due - arrived, due, arrived, Math.Rounding.Ceil);
            taken += more;
            if (taken > maximum) revert PaymentTooSmall(maximum, taken);
            super._transferIn(msg.sender, more);
            arrived = token.balanceOf(address(this)) - before;
        }
        if (arrived < due) revert TransferFell(arrived, due);
        cash += arrived - due;
    }

    function _collateralValue(uint256 collateral) internal view override returns (uint256) {
        return _principalFor(collateral, BASIS_POINTS);
    }

    function _payOut(address to, uint256 amount) internal override {
        _transferOut(to, amount);
    }

    function _principalToken() internal view override returns (address) {
        return asset();
    }

    function _principalFor(uint256 collateral, uint256 ltvBps) internal view override returns (uint256) {
        (, int256 price, , uint256 updatedAt, ) = priceFeed.latestRoundData();
        if (price <= 0) revert PriceNotPositive(price);
        if (updatedAt + MAXIMUM_PRICE_AGE < block.timestamp) revert PriceStale(updatedAt, MAXIMUM_PRICE_AGE);
        // wei * price / 10**feed decimals / 10**18, in the token's smallest unit.
        uint256 oneToken = 10 ** IERC20Metadata(asset()).decimals();
        uint256 value = Math.mulDiv(collateral * uint256(price), oneToken, 10 ** (18 + uint256(priceFeed.decimals())));
        return Math.mulDiv(value, ltvBps, BASIS_POINTS);
    }
}
