// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IIssuerRegistry} from "../interfaces/IIssuerRegistry.sol";
import {ILendingDesk} from "../interfaces/ILendingDesk.sol";
import {Refusals} from "./Refusals.sol";

/// @title From a request to a decision: the part that all lenders share
abstract contract LendingDesk is Refusals {
    using SafeCast for uint256;

    /// @notice A loan's grace period is at most its duration divided by this.
    uint256 public constant GRACE_DIVISOR = 4;

    /// @dev Who vouches for a loan's private data, for which schema, a number of {acceptedIssuers}; zero without.
    struct Vouching {
        uint16 number;
        uint64 validUntil;
    }

    // --------------------------------------------------------------- hooks

    /// @dev The most principal for this collateral (wei) at a loan to value in basis points, rounded down.
    function _principalFor(uint256 collateral, uint256 ltvBps) internal view virtual returns (uint256);

    /// @dev What collateral (wei) is worth now, in the lent token; zero where both are the same coin and have no price.
    function _collateralValue(uint256 collateral) internal view virtual returns (uint256);

    /// @dev Send principal to a borrower.
    function _payOut(address to, uint256 amount) internal virtual;

    /// @dev The token that is lent, address(0) for ether.
    function _principalToken() internal view virtual returns (address);

    // ------------------------------------------------------------ requests

    /// @inheritdoc ILendingDesk
    function requestLoan(
        Order calldata order,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent
    ) external payable nonReentrant returns (uint256 loanId) {
        if (dataCommitment != oracle.neutralCommitment()) revert NobodyVouches(dataCommitment);
        if (_policy.passportRequired) revert PassportRequired();
        Vouching memory none;
        return _request(order, dataCommitment, consent, none);
    }

    /// @inheritdoc ILendingDesk
    function requestLoan(
        Order calldata order,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent,
        IIssuerRegistry.Attestation calldata attestation
    ) external payable nonReentrant returns (uint256 loanId) {
        if (dataCommitment == oracle.neutralCommitment()) revert NothingToVouchFor(dataCommitment);
        if (address(acceptedIssuers) == address(0)) revert NobodyVouches(dataCommitment);
        uint16 number = acceptedIssuers.check(msg.sender, dataCommitment, attestation);
        uint64 validUntil = attestation.validUntil;
        loanId = _request(order, dataCommitment, consent, Vouching(number, validUntil));
        emit PrivateDataVouched(loanId, attestation.issuer, attestation.schema, dataCommitment, validUntil);
    }

    function _request(
        Order calldata order,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent,
        Vouching memory vouching
    ) private returns (uint256 loanId) {
        uint96 fee = oracle.fee();
        uint256 expected = uint256(order.collateral) + fee;
        if (msg.value != expected) revert WrongValue(msg.value, expected);
        if (order.collateral == 0) revert NoCollateral();
        _atLeast("principal", order.principal, _policy.minimumPrincipal);
        _atLeast("duration", order.duration, _policy.minimumDuration);
        (uint32 requestLifetime, ) = oracle.lifetimes();

        loanId = ++loanCount;
        collateralHeld += order.collateral;
        Loan storage record = _loans[loanId];
        record.borrower = msg.sender;
        record.state = LoanState.Requested;
        record.principal = order.principal;
        record.collateral = order.collateral;
        record.answerBy = uint40(block.timestamp) + requestLifetime;
        record.duration = order.duration;
        record.fee = fee;
        record.minimumPrincipal = order.minimumPrincipal;
        record.minimumDuration = order.minimumDuration;
        record.maximumRate = order.maximumRate;
        record.neutral = vouching.number == 0;
        record.vouched = vouching.number;
        record.vouchedUntil = uint40(Math.min(vouching.validUntil, type(uint40).max));
        record.collateralValue = _collateralValue(order.collateral).toUint128();
        if (vouching.number != 0) commitmentOf[loanId] = dataCommitment;

        uint256 requestId = oracle.requestAssessmentFor{value: fee}(
            msg.sender,
            judgedTerms(order),
            dataCommitment,
            consent
        );
        record.requestId = requestId.toUint48();
        emit LoanRequested(loanId, msg.sender, requestId, order.principal, order.collateral, order.duration);
    }

    /// @inheritdoc ILendingDesk
    function judgedTerms(Order calldata order) public view returns (IAIRiskOracle.LoanTerms memory) {
        uint256 duration = uint256(order.duration) + _grace(order.duration);
        return
            IAIRiskOracle.LoanTerms(
                _principalToken(),
                order.principal,
                address(0),
                order.collateral,
                duration.toUint32()
            );
    }

    /// @inheritdoc ILendingDesk
    function settle(uint256 loanId) external nonReentrant {
        Loan storage record = _inState(loanId, LoanState.Requested);
        IAIRiskOracle.Assessment memory a = oracle.assessmentOf(record.requestId);
        (bool active, bool primary) = oracle.registry().standingOf(a.modelIndex);
        // What a model says that was rolled back counts for nothing, and against nobody: ask again.
        if (!active || (_policy.primaryOnly && !primary)) revert ModelNotTrusted(loanId, a.modelIndex);
        if (a.category == 2) {
            _refuse(loanId, record);
        } else if (_meets(a)) {
            uint256 staleAt = Math.min(a.expiresAt, uint256(a.issuedAt) + _policy.maximumAnswerAge);
            if (block.timestamp >= staleAt) revert AnswerStale(loanId, uint40(staleAt));
            // What it was judged by must still be true. A reviewer sees the date, and decides without a limit of time.
            uint40 vouchedUntil = record.vouchedUntil;
            if (vouchedUntil != 0 && block.timestamp > vouchedUntil) revert PrivateDataStale(loanId, vouchedUntil);
            _approve(loanId, record, a);
        } else {
            record.state = LoanState.Review;
            _bind(record.borrower);
            emit LoanSentToReview(loanId, record.borrower);
        }
    }

    /// @inheritdoc ILendingDesk
    function approveReviewed(uint256 loanId) external nonReentrant restricted {
        Loan storage record = _inState(loanId, LoanState.Review);
        _approve(loanId, record, oracle.assessmentOf(record.requestId));
    }

    /// @inheritdoc ILendingDesk
    function refuseReviewed(uint256 loanId) external nonReentrant restricted {
        _refuse(loanId, _inState(loanId, LoanState.Review));
    }

    /// @inheritdoc ILendingDesk
    function takePlainTerms(uint256 loanId) external nonReentrant {
        Loan storage record = _ownOpen(loanId);
        _checkPlain(loanId, record);
        uint256 principal = Math.min(
            _pricedPrincipal(record),
            _principalFor(record.collateral, Math.min(_policy.plainLtv, _policy.maximumLtv))
        );
        uint256 duration = Math.min(record.duration, _policy.plainDuration);
        _atLeast("principal", principal, _policy.minimumPrincipal);
        _activate(loanId, record, principal, duration, _policy.plainInterestRate);
    }

    /// @inheritdoc ILendingDesk
    function withdrawApplication(uint256 loanId) external nonReentrant {
        Loan storage record = _ownOpen(loanId);
        record.state = LoanState.Withdrawn;
        _creditCollateral(record);
        emit LoanWithdrawn(loanId, msg.sender);
    }

    // ----------------------------------------------------------- decisions

    function _approve(uint256 loanId, Loan storage record, IAIRiskOracle.Assessment memory a) private {
        Policy memory policy_ = _policy;
        uint256 ceiling = _principalFor(record.collateral, Math.min(a.maximumLtv, policy_.maximumLtv));
        uint256 principal = Math.min(_pricedPrincipal(record), ceiling);
        uint256 modelDuration = uint256(a.durationDays) * 1 days;
        uint256 duration = Math.min(Math.min(record.duration, modelDuration), policy_.maximumDuration);
        // Less than plain terms is less than the policy gives anybody.
        bool worse = a.maximumLtv < policy_.plainLtv || modelDuration < policy_.plainDuration;
        if (worse || principal < policy_.minimumPrincipal || duration < policy_.minimumDuration) {
            _refuse(loanId, record);
            return;
        }
        uint256 rateBps = Math.min(a.interestRate, policy_.maximumInterestRate);
        if (principal < record.minimumPrincipal || duration < record.minimumDuration || rateBps > record.maximumRate)
            revert OutsideBorrowersLimits(loanId, principal, rateBps, duration);
        if (record.vouched != 0) acceptedIssuers.checkStanding(record.vouched, commitmentOf[loanId]);
        _release(record.borrower);
        _activate(loanId, record, principal, duration, rateBps);
    }

    /// @dev What was asked for, less what the collateral lost since: waiting for a better moment gains nothing.
    function _pricedPrincipal(Loan storage record) private view returns (uint256) {
        uint256 asked = record.principal;
        uint256 valueThen = record.collateralValue;
        if (valueThen == 0) return asked;
        uint256 valueNow = _collateralValue(record.collateral);
        return valueNow < valueThen ? Math.mulDiv(asked, valueNow, valueThen) : asked;
    }

    function _activate(
        uint256 loanId,
        Loan storage record,
        uint256 principal,
        uint256 duration,
        uint256 rateBps
    ) private {
        address borrower = record.borrower;
        if (principal > cash) revert InsufficientLiquidity(principal, cash);
        uint256 wouldOwe = outstandingOf[borrower] + principal;
        if (wouldOwe > _policy.borrowerLimit) revert BorrowerLimitExceeded(borrower, wouldOwe, _policy.borrowerLimit);
        uint256 lent = outstanding + principal;
        uint256 lendable = Math.mulDiv(cash + outstanding, _policy.maximumUtilisation, BASIS_POINTS);
        if (lent > lendable) revert UtilisationExceeded(lent, lendable);

        cash -= principal;
        outstanding = lent;
        outstandingOf[borrower] = wouldOwe;
        uint40 dueAt = (block.timestamp + duration).toUint40();
        record.state = LoanState.Active;
        record.principal = principal.toUint128();
        record.duration = duration.toUint32();
        record.interestRate = rateBps.toUint16();
        record.lateInterestRate = _policy.lateInterestRate;
        record.gracePeriod = _grace(duration).toUint24();
        record.startedAt = uint40(block.timestamp);
        record.dueAt = dueAt;
        emit LoanApproved(loanId, borrower, principal, rateBps, dueAt);
        _payOut(borrower, principal);
    }

    function _refuse(uint256 loanId, Loan storage record) private {
        record.state = LoanState.Refused;
        _bind(record.borrower);
        _creditCollateral(record);
        emit LoanRefused(loanId, record.borrower);
    }

    function _grace(uint256 duration) private view returns (uint256) {
        return Math.min(_policy.gracePeriod, duration / GRACE_DIVISOR);
    }

    function _ownOpen(uint256 loanId) private view returns (Loan storage record) {
        record = _loans[loanId];
        if (record.borrower != msg.sender) revert NotTheBorrower(loanId, msg.sender);
        if (record.state != LoanState.Requested && record.state != LoanState.Review)
            revert LoanInState(loanId, record.state);
    }

    function _atLeast(string memory name, uint256 value, uint256 minimum) private pure {
        if (value < minimum) revert BelowMinimum(name, value, minimum);
    }
}
