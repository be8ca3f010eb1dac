// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @notice The one storage word of a request. Its low byte tells what the rest is:
/// 0 nothing; 1 to 3 the packed answer (the byte is its category plus one); PENDING (with or without a callback) the
/// upper 31 bytes of the request's hash; DECLINED, CANCELLED nothing more.
type RequestWord is uint256;

using RequestWords for RequestWord global;

/// @title What a request's word says
library RequestWords {
    uint256 private constant PENDING = 0x80;
    uint256 private constant PENDING_WITH_CALLBACK = 0x83;
    uint256 private constant DECLINED = 0x81;
    uint256 private constant CANCELLED = 0x82;
    uint256 private constant TAG = 0xff;

    RequestWord internal constant DECLINED_WORD = RequestWord.wrap(DECLINED);
    RequestWord internal constant CANCELLED_WORD = RequestWord.wrap(CANCELLED);

    function pending(bytes32 requestHash, bool callback) internal pure returns (RequestWord) {
        return RequestWord.wrap((uint256(requestHash) & ~TAG) | (callback ? PENDING_WITH_CALLBACK : PENDING));
    }

    /// @notice True when the word is that of a pending request with this hash.
    function matches(RequestWord word, bytes32 requestHash) internal pure returns (bool) {
        return _isPending(word) && RequestWord.unwrap(word) >> 8 == uint256(requestHash) >> 8;
    }

    function wantsCallback(RequestWord word) internal pure returns (bool) {
        return RequestWord.unwrap(word) & TAG == PENDING_WITH_CALLBACK;
    }

    function state(RequestWord word) internal pure returns (IAIRiskOracle.RequestState) {
        uint256 tag = RequestWord.unwrap(word) & TAG;
        if (tag == 0) return IAIRiskOracle.RequestState.None;
        if (_isPending(word)) return IAIRiskOracle.RequestState.Pending;
        if (tag == DECLINED) return IAIRiskOracle.RequestState.Declined;
        if (tag == CANCELLED) return IAIRiskOracle.RequestState.Cancelled;
        return IAIRiskOracle.RequestState.Answered;
    }

    /// @notice Pack an answer: 8 bits category + 1, seven numbers of 16, three times of 40, 16 bits model index.
    function answered(IAIRiskOracle.Assessment memory a) internal pure returns (RequestWord) {
        uint256 word = uint256(a.category) + 1;
        word |= uint256(a.score) << 8;
        word |= uint256(a.probabilityOfDefault) << 24;
        word |= uint256(a.fraudLikelihood) << 40;
        word |= uint256(a.interestRate) << 56;
        word |= uint256(a.durationDays) << 72;
        word |= uint256(a.maximumLtv) << 88;
        word |= uint256(a.confidence) << 104;
        word |= uint256(a.issuedAt) << 120;
        word |= uint256(a.expiresAt) << 160;
        word |= uint256(a.blockNumber) << 200;
        word |= uint256(a.modelIndex) << 240;
        return RequestWord.wrap(word);
    }

    /// @notice Unpack an answer; only for a word whose {state} is Answered.
    function assessment(RequestWord packed) internal pure returns (IAIRiskOracle.Assessment memory a) {
        uint256 word = RequestWord.unwrap(packed);
        a.category = uint8(word) - 1;
        a.score = uint16(word >> 8);
        a.probabilityOfDefault = uint16(word >> 24);
        a.fraudLikelihood = uint16(word >> 40);
        a.interestRate = uint16(word >> 56);
        a.durationDays = uint16(word >> 72);
        a.maximumLtv = uint16(word >> 88);
        a.confidence = uint16(word >> 104);
        a.issuedAt = uint40(word >> 120);
        a.expiresAt = uint40(word >> 160);
        a.blockNumber = uint40(word >> 200);
        a.modelIndex = uint16(word >> 240);
    }

    function _isPending(RequestWord word) private pure returns (bool) {
        uint256 tag = RequestWord.unwrap(word) & TAG;
        return tag == PENDING || tag == PENDING_WITH_CALLBACK;
    }
}
