// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @title An example: somebody else's pool, which lends ether against ether by the oracle's word
contract CreditPool {
    IAIRiskOracle public immutable oracle;
    mapping(uint256 requestId => IAIRiskOracle.LoanTerms) public open;
    mapping(uint256 requestId => address) public borrowerOf;

    error NotYours(uint256 requestId);
    error Refused(uint256 requestId);

    constructor(IAIRiskOracle oracle_) payable {
        oracle = oracle_;
    }

    /// @notice Send collateral plus the oracle's fee; `consent` is signed over `oracle.consentDigest(...)`.
    function ask(
        uint128 principal,
        uint32 duration,
        bytes32 dataCommitment,
        IAIRiskOracle.Consent calldata consent
    ) external payable returns (uint256 requestId) {
        uint256 fee = oracle.fee();
        IAIRiskOracle.LoanTerms memory terms; // both tokens stay address(0), which is ether
        (terms.principal, terms.collateral, terms.duration) = (principal, uint128(msg.value - fee), duration);
        requestId = oracle.requestAssessmentFor{value: fee}(msg.sender, terms, dataCommitment, consent);
        open[requestId] = terms;
        borrowerOf[requestId] = msg.sender;
    }

    /// @notice Once answered: take the loan if the risk is low, else the collateral back. At any time: the collateral.
    function decide(uint256 requestId, bool take) external {
        if (borrowerOf[requestId] != msg.sender) revert NotYours(requestId);
        IAIRiskOracle.LoanTerms memory terms = open[requestId];
        delete borrowerOf[requestId]; // one decision a request
        uint256 payout = terms.collateral;
        if (take) {
            // Reverts unless answered. Read by request: the answer is about this borrower and these terms.
            IAIRiskOracle.Assessment memory a = oracle.assessmentOf(requestId);
            bool known = a.confidence >= 4_000 && block.timestamp < a.expiresAt;
            bool fine = known && a.category == 0 && a.score >= 7_000 && a.fraudLikelihood < 2_000;
            if (!fine || terms.principal > (uint256(terms.collateral) * a.maximumLtv) / 10_000)
                revert Refused(requestId);
            payout = terms.principal; // a real pool keeps a loan here: see SmartLending
        }
        Address.sendValue(payable(msg.sender), payout);
    }

    /// @notice The fee of a request that was declined or cancelled waits in the oracle: fetch it for the pool.
    function fetchRefund() external {
        oracle.withdrawRefund(address(this));
    }

    receive() external payable {}
}
