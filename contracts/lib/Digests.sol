// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {Calldata} from "./Calldata.sol";

/// @title EIP-712 struct hashes of what signers and borrowers sign
library Digests {
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "Report(uint256 requestId,address user,address requester,bytes32 termsHash,bytes32 dataCommitment,bytes32 modelId,uint64 blockNumber,bytes32 blockHash,uint256 featureCommitment,bytes32 outputsHash,bytes32 signerSetDigest)"
    );
    bytes32 internal constant DECLINE_TYPEHASH = keccak256(
        "Decline(uint256 requestId,uint8 reason,bytes32 signerSetDigest)"
    );
    bytes32 internal constant LOAN_TERMS_TYPEHASH = keccak256(
        "LoanTerms(address principalToken,uint128 principal,address collateralToken,uint128 collateral,uint32 duration)"
    );
    // The terms stand in it in full, so that a wallet shows the borrower what is agreed to.
    bytes32 internal constant CONSENT_TYPEHASH = keccak256(
        "Consent(address user,address requester,LoanTerms terms,bytes32 dataCommitment,uint256 nonce,uint64 validUntil)LoanTerms(address principalToken,uint128 principal,address collateralToken,uint128 collateral,uint32 duration)"
    );

    /// @notice termsHash = keccak256(abi.encode(terms)); outputsHash = keccak256(abi.encodePacked(outputs)).
    function report(
        IAIRiskOracle.Request calldata request,
        IAIRiskOracle.Report calldata answer,
        bytes32 signerSetDigest
    ) internal pure returns (bytes32) {
        return
            keccak256(
                abi.encode(
                    REPORT_TYPEHASH,
                    answer.requestId,
                    request.user,
                    request.requester,
                    Calldata.hash(request.terms),
                    request.dataCommitment,
                    answer.modelId,
                    answer.blockNumber,
                    answer.blockHash,
                    answer.featureCommitment,
                    Calldata.hash(answer.outputs),
                    signerSetDigest
                )
            );
    }

    function decline(uint256 requestId, uint8 reason, bytes32 signerSetDigest) internal pure returns (bytes32) {
        return keccak256(abi.encode(DECLINE_TYPEHASH, requestId, reason, signerSetDigest));
    }

    function consent(
        address user,
        address requester,
        IAIRiskOracle.LoanTerms calldata terms,
        bytes32 dataCommitment,
        uint256 nonce,
        uint64 validUntil
    ) internal pure returns (bytes32) {
        bytes32 termsStruct = keccak256(abi.encode(LOAN_TERMS_TYPEHASH, terms));
        return keccak256(abi.encode(CONSENT_TYPEHASH, user, requester, termsStruct, dataCommitment, nonce, validUntil));
    }
}
