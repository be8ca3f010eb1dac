// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {Field} from "./Field.sol";
import {Scores} from "./Scores.sol";
import {Statements} from "./Statements.sol";

/// @title The public words of a proof that answers many requests
/// @notice The features of all requests come first, then the outputs of all; a model's proof has room for `batchSize`
/// requests, and what stands in the room that a shorter batch leaves free is about nobody.
library Batches {
    /// @notice Check a batch's shape, and return the proof's instances, all below r.
    /// @return words the instances
    /// @return first where the first request's outputs begin
    /// @return each how many words each request's outputs take
    function instances(
        uint256 requests,
        IAIRiskOracle.Batch calldata batch,
        uint72 scales,
        uint256 batchSize
    ) internal pure returns (uint256[] memory words, uint256 first, uint256 each) {
        if (requests > batchSize || batch.requestIds.length != requests || batch.blockHashes.length != requests) {
            revert IAIRiskOracle.WrongBatchLength(requests, batchSize);
        }
        uint256 statement = Statements.above(scales);
        if (statement == Statements.COMMITTED) revert IAIRiskOracle.WrongStatement(batch.modelId);
        first = Statements.FEATURE_WORDS * batchSize;
        each = statement == Statements.OPEN_PACKED ? 1 : Scores.COUNT;
        words = batch.words;
        if (words.length != first + each * batchSize) {
            revert IAIRiskOracle.WrongOutputCount(words.length, first + each * batchSize);
        }
        for (uint256 i = 0; i < words.length; ++i) {
            if (!Field.isElement(words[i])) revert IAIRiskOracle.NotAFieldElement(words[i]);
        }
    }
}
