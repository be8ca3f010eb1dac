// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../interfaces/IAcceptedIssuers.sol";
import {IIssuerRegistry} from "../interfaces/IIssuerRegistry.sol";

/// @title What a lending contract asked for whom, and whether the answer allows it
/// @notice An answer says nothing about whose it is and which loan it judged: whoever asked must remember that. This does.
/// An id of somebody else's request, another borrower, other terms, a second use, an old answer, one of a model that was
/// rolled back: each is not acceptable. Anybody can invent private data: without {askVouched} none are taken.
library Applications {
    /// @param oracle the oracle that is asked; set it before the first {ask}
    /// @param digestOf what was asked under a request's id, zero when nothing was or it was decided
    struct Book {
        IAIRiskOracle oracle;
        mapping(uint256 => bytes32) digestOf;
    }

    /// @notice What an answer must say; basis points (10,000 = 100 %).
    /// @param maximumCategory 0 low, 1 medium
    /// @param minimumScore from this score on
    /// @param fraudLimit below this fraud likelihood
    /// @param minimumConfidence from this confidence on; below it hardly anything is known of the wallet
    /// @param maximumAge seconds that an answer counts, at most
    struct Policy {
        uint8 maximumCategory;
        uint16 minimumScore;
        uint16 fraudLimit;
        uint16 minimumConfidence;
        uint32 maximumAge;
    }

    /// @notice Private data, and who says that they are the borrower's.
    /// @param acceptedIssuers whose word the caller takes: its own choice, never the borrower's
    struct Vouched {
        IAcceptedIssuers acceptedIssuers;
        bytes32 dataCommitment;
        IIssuerRegistry.Attestation attestation;
    }

    event Asked(uint256 indexed requestId, address indexed borrower, IAIRiskOracle.LoanTerms terms);

    error WrongFee(uint256 givenWei, uint256 expectedWei);
    error NobodyVouches(bytes32 dataCommitment);
    error NotAcceptable(uint256 requestId);
    error NotAsked(uint256 requestId, address borrower);

    /// @notice Ask about a borrower, who signed for exactly these terms and this contract.
    /// @param dataCommitment the oracle's neutral one: another is refused, for nobody vouches for it
    /// @param feeWei what the caller sent for it, exactly the oracle's fee: nothing is spent that others own
    function ask(
        Book storage book,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent memory consent,
        uint256 feeWei
    ) internal returns (uint256 requestId) {
        if (dataCommitment != book.oracle.neutralCommitment()) revert NobodyVouches(dataCommitment);
        requestId = _ask(book, borrower, terms, dataCommitment, consent, feeWei);
        book.digestOf[requestId] = _digest(borrower, terms);
    }

    /// @notice Like {ask}, with private data that an accepted issuer vouches for; decide by {takeVouched}, or {dropVouched}.
    function askVouched(
        Book storage book,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        Vouched memory data,
        IAIRiskOracle.Consent memory consent,
        uint256 feeWei
    ) internal returns (uint256 requestId) {
        _checkVouched(borrower, data);
        requestId = _ask(book, borrower, terms, data.dataCommitment, consent, feeWei);
        book.digestOf[requestId] = _digest(borrower, terms, data.dataCommitment);
    }

    function _ask(
        Book storage book,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent memory consent,
        uint256 feeWei
    ) private returns (uint256 requestId) {
        uint256 fee = book.oracle.fee();
        if (feeWei != fee) revert WrongFee(feeWei, fee);
        requestId = book.oracle.requestAssessmentFor{value: fee}(borrower, terms, dataCommitment, consent);
        emit Asked(requestId, borrower, terms);
    }

    /// @dev The contract reverts with the cause.
    function _checkVouched(address borrower, Vouched memory data) private view {
        if (address(data.acceptedIssuers) == address(0)) revert NobodyVouches(data.dataCommitment);
        data.acceptedIssuers.check(borrower, data.dataCommitment, data.attestation);
    }

    /// @notice True when this contract asked about this borrower and these terms, has not decided yet, and the answer
    /// allows the loan.
    /// @param collateralValue what the collateral is worth in the principal's token, by a price that the caller trusts
    function isAcceptable(
        Book storage book,
        uint256 requestId,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        Policy memory policy,
        uint256 collateralValue
    ) internal view returns (bool) {
        bytes32 digest = _digest(borrower, terms);
        return book.digestOf[requestId] == digest && _allows(book, requestId, terms, policy, collateralValue);
    }

    function _allows(
        Book storage book,
        uint256 requestId,
        IAIRiskOracle.LoanTerms memory terms,
        Policy memory policy,
        uint256 collateralValue
    ) private view returns (bool) {
        if (book.oracle.stateOf(requestId) != IAIRiskOracle.RequestState.Answered) return false;
        IAIRiskOracle.Assessment memory a = book.oracle.assessmentOf(requestId);
        (bool active, ) = book.oracle.registry().standingOf(a.modelIndex);
        return
            active &&
            block.timestamp < a.expiresAt &&
            block.timestamp - a.issuedAt <= policy.maximumAge &&
            _meets(a, terms, policy, collateralValue);
    }

    function _meets(
        IAIRiskOracle.Assessment memory a,
        IAIRiskOracle.LoanTerms memory terms,
        Policy memory policy,
        uint256 collateralValue
    ) private pure returns (bool) {
        return
            a.category <= policy.maximumCategory &&
            a.score >= policy.minimumScore &&
            a.fraudLikelihood < policy.fraudLimit &&
            a.confidence >= policy.minimumConfidence &&
            terms.duration <= uint256(a.durationDays) * 1 days &&
            uint256(terms.principal) * 10_000 <= collateralValue * a.maximumLtv;
    }

    /// @notice Decide for the loan, once; revert unless {isAcceptable}.
    function take(
        Book storage book,
        uint256 requestId,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        Policy memory policy,
        uint256 collateralValue
    ) internal {
        if (!isAcceptable(book, requestId, borrower, terms, policy, collateralValue)) revert NotAcceptable(requestId);
        delete book.digestOf[requestId];
    }

    /// @notice Decide for a loan that was asked for by {askVouched}, once; revert unless the answer allows it and somebody
    /// still vouches.
    /// @param data the attestation that was asked with, or a newer one of the same data
    function takeVouched(
        Book storage book,
        uint256 requestId,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        Vouched memory data,
        Policy memory policy,
        uint256 collateralValue
    ) internal {
        dropVouched(book, requestId, borrower, terms, data.dataCommitment);
        _checkVouched(borrower, data);
        if (!_allows(book, requestId, terms, policy, collateralValue)) revert NotAcceptable(requestId);
    }

    /// @notice Decide against the loan, once: whatever the borrower pledged for it may go back.
    function drop(
        Book storage book,
        uint256 requestId,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms
    ) internal {
        _end(book, requestId, borrower, _digest(borrower, terms));
    }

    /// @notice The same for a loan that was asked for by {askVouched}.
    function dropVouched(
        Book storage book,
        uint256 requestId,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        bytes32 dataCommitment
    ) internal {
        _end(book, requestId, borrower, _digest(borrower, terms, dataCommitment));
    }

    function _end(Book storage book, uint256 requestId, address borrower, bytes32 digest) private {
        if (book.digestOf[requestId] != digest) revert NotAsked(requestId, borrower);
        delete book.digestOf[requestId];
    }

    function _digest(address borrower, IAIRiskOracle.LoanTerms memory terms) private pure returns (bytes32) {
        return keccak256(abi.encode(borrower, terms));
    }

    function _digest(
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        bytes32 dataCommitment
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(borrower, terms, dataCommitment));
    }
}
