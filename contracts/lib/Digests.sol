// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {Calldata} from "./Calldata.sol";

/// @title EIP-712 struct hashes of what signers and borrowers sign
library Digests {
    bytes32 internal constant REPORT_TYPEHASH = keccak256(
        "Report(uint256 requestId,address user,address requester,bytes32 termsHash,bytes32 dataCommitment,bytes32 modelId,uint64 blockNumber,bytes32 blockHash,uint256 featureCommitment,bytes32 outputsHash,bytes32 signerSetDigest)"
    );
    bytes32 internal constant BATCH_TYPEHASH = keccak256(
        "Batch(bytes32 modelId,bytes32 answersHash,bytes32 wordsHash,bytes32 signerSetDigest)"
    );
    bytes32 internal constant DECLINE_TYPEHASH = keccak256(
        "Decline(uint256 requestId,bytes32 requestHash,uint8 reason,bytes32 signerSetDigest)"
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
    ) internal pure returns (bytes32 digest) {
        bytes32 termsHash = Calldata.hash(request.terms);
        bytes32 dataCommitment = request.dataCommitment;
        bytes32 outputsHash = Calldata.hash(answer.outputs);
        bytes32 typeHash = REPORT_TYPEHASH;
        assembly ("memory-safe") {
            // abi.encode of the typed struct: twelve words, those that stand together in calldata copied together.
            let free := mload(0x40)
            mstore(free, typeHash)
            calldatacopy(add(free, 0x20), answer, 0x20) // requestId
            calldatacopy(add(free, 0x40), request, 0x40) // user, requester
            mstore(add(free, 0x80), termsHash)
            mstore(add(free, 0xa0), dataCommitment)
            calldatacopy(add(free, 0xc0), add(answer, 0x20), 0x80) // modelId, blockNumber, blockHash, featureCommitment
            mstore(add(free, 0x140), outputsHash)
            mstore(add(free, 0x160), signerSetDigest)
            digest := keccak256(free, 0x180)
        }
    }

    /// @notice answersHash = keccak256 of (request id, keccak256(abi.encode(request)), block hash) of each request, wordsHash =
    /// keccak256(abi.encodePacked(words)). The caller has checked that there are as many of each.
    function batch(
        IAIRiskOracle.Request[] calldata requests,
        IAIRiskOracle.Batch calldata answer,
        bytes32 signerSetDigest
    ) internal pure returns (bytes32) {
        bytes32[] memory answers = new bytes32[](3 * requests.length);
        for (uint256 i = 0; i < requests.length; ++i) {
            answers[3 * i] = bytes32(answer.requestIds[i]);
            answers[3 * i + 1] = Calldata.hash(requests[i]);
            answers[3 * i + 2] = answer.blockHashes[i];
        }
        bytes32 answersHash = keccak256(abi.encodePacked(answers));
        bytes32 wordsHash = keccak256(abi.encodePacked(answer.words));
        return keccak256(abi.encode(BATCH_TYPEHASH, answer.modelId, answersHash, wordsHash, signerSetDigest));
    }

    /// @notice requestHash = keccak256(abi.encode(request)): after a reorganisation the id may be another request's.
    function decline(
        IAIRiskOracle.Request calldata request,
        uint256 requestId,
        uint8 reason,
        bytes32 signerSetDigest
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(DECLINE_TYPEHASH, requestId, Calldata.hash(request), reason, signerSetDigest));
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
