// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @notice The one storage word of a request. Its low byte tells what the rest is:
/// 0 nothing; 1 to 3 the packed answer (the byte is its category plus one), PRIVATE more when private data went into it; PENDING the gas of its callback (24 bits) and
/// the upper 28 bytes of the request's hash; DECLINED the reason and the time; CANCELLED nothing more.
type RequestWord is uint256;

using RequestWords for RequestWord global;

/// @title What a request's word says
library RequestWords {
    uint256 private constant PENDING = 0x80;
    uint256 private constant DECLINED = 0x81;
    uint256 private constant CANCELLED = 0x82;
    uint256 private constant PRIVATE = 0x40;
    uint256 private constant TAG = 0xff;
    uint256 private constant HASH_SHIFT = 32;

    RequestWord internal constant CANCELLED_WORD = RequestWord.wrap(CANCELLED);

    /// @param gasForCallback zero for a request without a callback
    function pending(bytes32 requestHash, uint24 gasForCallback) internal pure returns (RequestWord) {
        uint256 hash = (uint256(requestHash) >> HASH_SHIFT) << HASH_SHIFT;
        return RequestWord.wrap(hash | (uint256(gasForCallback) << 8) | PENDING);
    }

    function declined(uint8 reason) internal view returns (RequestWord) {
        return RequestWord.wrap(DECLINED | (uint256(reason) << 8) | (block.timestamp << 16));
    }

    /// @notice True when the word is that of a pending request with this hash.
    function matches(RequestWord word, bytes32 requestHash) internal pure returns (bool) {
        uint256 unwrapped = RequestWord.unwrap(word);
        return unwrapped & TAG == PENDING && unwrapped >> HASH_SHIFT == uint256(requestHash) >> HASH_SHIFT;
    }

    /// @notice What the callback may burn; only for a word that {matches}.
    function callbackGas(RequestWord word) internal pure returns (uint256) {
        return uint24(RequestWord.unwrap(word) >> 8);
    }

    /// @notice Reason and time of a decline, zeros for a request that was not declined.
    function decline(RequestWord word) internal pure returns (uint8 reason, uint40 at) {
        uint256 unwrapped = RequestWord.unwrap(word);
        if (unwrapped & TAG != DECLINED) return (0, 0);
        return (uint8(unwrapped >> 8), uint40(unwrapped >> 16));
    }

    function state(RequestWord word) internal pure returns (IAIRiskOracle.RequestState) {
        uint256 tag = RequestWord.unwrap(word) & TAG;
        if (tag == 0) return IAIRiskOracle.RequestState.None;
        if (tag == PENDING) return IAIRiskOracle.RequestState.Pending;
        if (tag == DECLINED) return IAIRiskOracle.RequestState.Declined;
        if (tag == CANCELLED) return IAIRiskOracle.RequestState.Cancelled;
        return IAIRiskOracle.RequestState.Answered;
    }

    /// @notice Pack an answer: 8 bits category + 1, seven numbers of 16, three times of 40, 16 bits model index.
    function answered(IAIRiskOracle.Assessment memory a) internal pure returns (RequestWord) {
        uint256 word = uint256(a.category) + 1;
        if (a.privateData) word |= PRIVATE;
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

    /// @notice Whether private data went into an answer; only for a word whose {state} is Answered.
    function hasPrivateData(RequestWord word) internal pure returns (bool) {
        return RequestWord.unwrap(word) & PRIVATE != 0;
    }

    /// @notice Unpack an answer; only for a word whose {state} is Answered.
    function assessment(RequestWord packed) internal pure returns (IAIRiskOracle.Assessment memory a) {
        uint256 word = RequestWord.unwrap(packed);
        a.category = (uint8(word) & uint8(PRIVATE - 1)) - 1;
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
        a.privateData = packed.hasPrivateData();
    }
}
