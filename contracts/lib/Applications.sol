// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @title What a lending contract asked for whom, and whether the answer allows it
/// @notice An answer says nothing about whose it is and which loan it judged: whoever asked must remember that. This does.
/// An id of somebody else's request, another borrower, other terms, a second use, an old answer, one of a model that was
/// rolled back: each is not acceptable.
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

    event Asked(uint256 indexed requestId, address indexed borrower, IAIRiskOracle.LoanTerms terms);

    error WrongFee(uint256 givenWei, uint256 expectedWei);
    error NotAcceptable(uint256 requestId);
    error NotAsked(uint256 requestId, address borrower);

    /// @notice Ask about a borrower, who signed for exactly these terms and this contract.
    /// @param feeWei what the caller sent for it, exactly the oracle's fee: nothing is spent that others own
    function ask(
        Book storage book,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent memory consent,
        uint256 feeWei
    ) internal returns (uint256 requestId) {
        uint256 fee = book.oracle.fee();
        if (feeWei != fee) revert WrongFee(feeWei, fee);
        requestId = book.oracle.requestAssessmentFor{value: fee}(borrower, terms, dataCommitment, consent);
        book.digestOf[requestId] = _digest(borrower, terms);
        emit Asked(requestId, borrower, terms);
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
        if (book.digestOf[requestId] != _digest(borrower, terms)) return false;
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

    /// @notice Decide against the loan, once: whatever the borrower pledged for it may go back.
    function drop(
        Book storage book,
        uint256 requestId,
        address borrower,
        IAIRiskOracle.LoanTerms memory terms
    ) internal {
        if (book.digestOf[requestId] != _digest(borrower, terms)) revert NotAsked(requestId, borrower);
        delete book.digestOf[requestId];
    }

    function _digest(address borrower, IAIRiskOracle.LoanTerms memory terms) private pure returns (bytes32) {
        return keccak256(abi.encode(borrower, terms));
    }
}
