// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../interfaces/ILendingDesk.sol";
import {LoanBook} from "./LoanBook.sol";

/// @title From a request to a decision: the part that all lenders share
abstract contract LendingDesk is LoanBook {
    using SafeCast for uint256;

    /// @notice Collateral that plain terms ask for at least, in basis points of the principal's value.
    uint256 public constant PLAIN_COLLATERAL = 15_000;

    /// @dev The loan to value of plain terms, in basis points.
    uint256 private constant PLAIN_LTV = (BASIS_POINTS * BASIS_POINTS) / PLAIN_COLLATERAL;

    // --------------------------------------------------------------- hooks

    /// @dev The most principal for this collateral (wei) at a loan to value in basis points, rounded down.
    function _principalFor(uint256 collateral, uint256 ltvBps) internal view virtual returns (uint256);

    /// @dev Send principal to a borrower.
    function _payOut(address to, uint256 amount) internal virtual;

    /// @dev The token that is lent, address(0) for ether.
    function _principalToken() internal view virtual returns (address);

    // ------------------------------------------------------------ requests

    /// @inheritdoc ILendingDesk
    function requestLoan(
        uint128 principal,
        uint32 duration,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent
    ) external payable nonReentrant returns (uint256 loanId) {
        uint96 fee = oracle.fee();
        if (msg.value <= fee) revert NoCollateral();
        uint128 collateral = (msg.value - fee).toUint128();
        (uint32 requestLifetime, ) = oracle.lifetimes();

        loanId = ++loanCount;
        collateralHeld += collateral;
        Loan storage record = _loans[loanId];
        record.borrower = msg.sender;
        record.state = LoanState.Requested;
        record.principal = principal;
        record.collateral = collateral;
        record.answerBy = uint40(block.timestamp) + requestLifetime;
        record.duration = duration;
        record.fee = fee;

        uint256 requestId = oracle.requestAssessmentFor{value: fee}(
            msg.sender,
            IAIRiskOracle.LoanTerms(_principalToken(), principal, address(0), collateral, duration),
            dataCommitment,
            consent
        );
        record.requestId = requestId.toUint48();
        emit LoanRequested(loanId, msg.sender, requestId, principal, collateral, duration);
    }

    /// @inheritdoc ILendingDesk
    function settle(uint256 loanId) external nonReentrant {
        Loan storage record = _inState(loanId, LoanState.Requested);
        IAIRiskOracle.Assessment memory a = oracle.assessmentOf(record.requestId);
        if (block.timestamp >= a.expiresAt) revert AnswerStale(loanId, a.expiresAt);
        if (a.category == 2) {
            _refuse(loanId, record);
        } else if (_meets(_policy, a)) {
            _approve(loanId, record, a);
        } else {
            record.state = LoanState.Review;
            emit LoanSentToReview(loanId, record.borrower);
        }
    }

    /// @inheritdoc ILendingDesk
    function approveReviewed(uint256 loanId) external nonReentrant restricted {
        Loan storage record = _inState(loanId, LoanState.Review);
        IAIRiskOracle.Assessment memory a = oracle.assessmentOf(record.requestId);
        if (block.timestamp >= a.expiresAt) revert AnswerStale(loanId, a.expiresAt);
        _approve(loanId, record, a);
    }

    /// @inheritdoc ILendingDesk
    function refuseReviewed(uint256 loanId) external nonReentrant restricted {
        _refuse(loanId, _inState(loanId, LoanState.Review));
    }

    /// @inheritdoc ILendingDesk
    function takePlainTerms(uint256 loanId) external nonReentrant {
        Loan storage record = _loans[loanId];
        if (record.borrower != msg.sender) revert NotTheBorrower(loanId, msg.sender);
        if (record.state != LoanState.Requested && record.state != LoanState.Review)
            revert LoanInState(loanId, record.state);
        IAIRiskOracle.RequestState answer = oracle.stateOf(record.requestId);
        if (answer == IAIRiskOracle.RequestState.Answered) {
            if (block.timestamp < oracle.assessmentOf(record.requestId).expiresAt) revert AnswerStands(loanId);
        } else if (answer == IAIRiskOracle.RequestState.Pending && block.timestamp <= record.answerBy) {
            revert AnswerPending(loanId, record.answerBy);
        }
        uint256 ceiling = _principalFor(record.collateral, Math.min(PLAIN_LTV, _policy.maximumLtv));
        uint256 principal = Math.min(record.principal, ceiling);
        if (principal == 0) revert NoCollateral();
        uint256 duration = Math.min(record.duration, _policy.maximumDuration);
        _activate(loanId, record, principal, duration, _policy.plainInterestRate);
    }

    /// @inheritdoc ILendingDesk
    function withdrawApplication(uint256 loanId) external nonReentrant {
        Loan storage record = _loans[loanId];
        if (record.borrower != msg.sender) revert NotTheBorrower(loanId, msg.sender);
        if (record.state != LoanState.Requested && record.state != LoanState.Review)
            revert LoanInState(loanId, record.state);
        record.state = LoanState.Withdrawn;
        _creditCollateral(record);
        emit LoanWithdrawn(loanId, msg.sender);
    }

    // ----------------------------------------------------------- decisions

    /// @dev Whether an answer approves a loan by itself, without a reviewer.
    function _meets(Policy storage policy_, IAIRiskOracle.Assessment memory a) private view returns (bool) {
        return
            a.category == 0 &&
            a.score >= policy_.minimumScore &&
            a.fraudLikelihood < policy_.fraudLimit &&
            a.confidence >= policy_.minimumConfidence;
    }

    function _approve(uint256 loanId, Loan storage record, IAIRiskOracle.Assessment memory a) private {
        Policy memory policy_ = _policy;
        uint256 ceiling = _principalFor(record.collateral, Math.min(a.maximumLtv, policy_.maximumLtv));
        uint256 principal = Math.min(record.principal, ceiling);
        uint256 duration = Math.min(record.duration, uint256(a.durationDays) * 1 days);
        duration = Math.min(duration, policy_.maximumDuration);
        if (principal == 0 || duration == 0) {
            _refuse(loanId, record);
            return;
        }
        _activate(loanId, record, principal, duration, Math.min(a.interestRate, policy_.maximumInterestRate));
    }

    function _activate(
        uint256 loanId,
        Loan storage record,
        uint256 principal,
        uint256 duration,
        uint256 rateBps
    ) private {
        if (principal > cash) revert InsufficientLiquidity(principal, cash);
        cash -= principal;
        outstanding += principal;
        uint40 dueAt = (block.timestamp + duration).toUint40();
        record.state = LoanState.Active;
        record.principal = principal.toUint128();
        record.duration = duration.toUint32();
        record.interestRate = rateBps.toUint16();
        record.gracePeriod = _policy.gracePeriod;
        record.startedAt = uint40(block.timestamp);
        record.dueAt = dueAt;
        emit LoanApproved(loanId, record.borrower, principal, rateBps, dueAt);
        _payOut(record.borrower, principal);
    }

    function _refuse(uint256 loanId, Loan storage record) private {
        record.state = LoanState.Refused;
        _creditCollateral(record);
        emit LoanRefused(loanId, record.borrower);
    }
}
