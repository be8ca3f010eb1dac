// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {Calldata} from "./Calldata.sol";
import {Field} from "./Field.sol";

/// @title From a circuit's fixed-point outputs to an assessment's numbers
/// @notice Outputs in order: three decision margins (low, medium, high), score, probability of default, fraud
/// likelihood, interest rate, duration, maximum LTV, confidence. The last seven are fractions of a full scale.
library Scores {
    uint256 internal constant COUNT = 10;
    int256 private constant BASIS_POINTS = 10_000;
    int256 private constant FULL_DURATION_DAYS = 365;
    uint256 private constant SCALE_BITS = 7;
    uint256 private constant SCALE_MASK = 127;
    uint256 private constant PACKED_BITS = 23;
    uint256 private constant PACKED_MASK = 2 ** PACKED_BITS - 1;
    int256 private constant PACKED_OFFSET = 2 ** 22;

    /// @notice Check the outputs and return the public instances of the proof.
    /// @return instances [feature commitment, data commitment, outputs...], all below r
    function toInstances(
        uint256 featureCommitment,
        uint256 dataCommitment,
        int256[] calldata outputs
    ) internal pure returns (uint256[] memory instances) {
        if (outputs.length != COUNT) revert IAIRiskOracle.WrongOutputCount(outputs.length, COUNT);
        if (!Field.isElement(featureCommitment)) revert IAIRiskOracle.NotAFieldElement(featureCommitment);
        instances = new uint256[](COUNT + 2);
        instances[0] = featureCommitment;
        instances[1] = dataCommitment;
        for (uint256 i = 0; i < COUNT;) {
            int256 value = Calldata.at(outputs, i);
            if (!Field.isSigned(value)) revert IAIRiskOracle.OutputOutOfRange(i, value);
            uint256 element = Field.fromSigned(value);
            assembly ("memory-safe") {
                // instances[i + 2], behind the array's length.
                mstore(add(add(instances, 0x60), shl(5, i)), element)
            }
            unchecked {
                ++i;
            }
        }
    }

    /// @notice The signed outputs of a request in an open statement.
    /// @param words the proof's instances, below r
    /// @param first where the request's outputs begin: ten elements, or one that holds ten of PACKED_BITS each, each with
    /// PACKED_OFFSET on top
    function outputsAt(
        uint256[] memory words,
        uint256 first,
        bool packed
    ) internal pure returns (int256[] memory outputs) {
        outputs = new int256[](COUNT);
        for (uint256 i = 0; i < COUNT; ++i) {
            if (packed) {
                outputs[i] = int256((words[first] >> (PACKED_BITS * i)) & PACKED_MASK) - PACKED_OFFSET;
                continue;
            }
            uint256 element = words[first + i];
            int256 value = element > Field.MODULUS / 2 ? int256(element) - int256(Field.MODULUS) : int256(element);
            if (!Field.isSigned(value)) revert IAIRiskOracle.OutputOutOfRange(i, value);
            outputs[i] = value;
        }
    }

    /// @notice Decode ten outputs of {toInstances} or {outputsAt}: rounded down, clamped to [0, full scale].
    /// @param scales seven bits for each output, the first output in the lowest bits
    function decode(
        int256[] memory outputs,
        uint72 scales
    ) internal pure returns (IAIRiskOracle.Assessment memory assessment) {
        assessment.category = _category(outputs, scales);
        assessment.score = _basisPoints(outputs, scales, 3);
        assessment.probabilityOfDefault = _basisPoints(outputs, scales, 4);
        assessment.fraudLikelihood = _basisPoints(outputs, scales, 5);
        assessment.interestRate = _basisPoints(outputs, scales, 6);
        assessment.durationDays = _fraction(outputs, scales, 7, FULL_DURATION_DAYS);
        assessment.maximumLtv = _basisPoints(outputs, scales, 8);
        assessment.confidence = _basisPoints(outputs, scales, 9);
    }

    /// @dev The largest margin wins; a tie goes to the riskier category. Margins may differ in scale.
    function _category(int256[] memory outputs, uint72 scales) private pure returns (uint8) {
        unchecked {
            // |margin| < 2**127 and scale < 128: the common scale of 127 keeps each below 2**254.
            int256 low = _at(outputs, 0) << (SCALE_MASK - _scale(scales, 0));
            int256 medium = _at(outputs, 1) << (SCALE_MASK - _scale(scales, 1));
            int256 high = _at(outputs, 2) << (SCALE_MASK - _scale(scales, 2));
            if (high >= medium && high >= low) return 2;
            return medium >= low ? 1 : 0;
        }
    }

    function _basisPoints(int256[] memory outputs, uint72 scales, uint256 index) private pure returns (uint16) {
        return _fraction(outputs, scales, index, BASIS_POINTS);
    }

    function _fraction(
        int256[] memory outputs,
        uint72 scales,
        uint256 index,
        int256 fullScale
    ) private pure returns (uint16) {
        unchecked {
            // |output| < 2**127 and fullScale < 2**14: no overflow. The shift rounds towards minus infinity.
            int256 value = (_at(outputs, index) * fullScale) >> _scale(scales, index);
            if (value < 0) return 0;
            if (value > fullScale) value = fullScale;
            return uint16(uint256(value));
        }
    }

    /// @notice The outputs of {toInstances}, which looked at how many they are, in memory.
    function copied(int256[] calldata outputs) internal pure returns (int256[] memory copy) {
        assembly ("memory-safe") {
            copy := mload(0x40)
            mstore(copy, COUNT)
            calldatacopy(add(copy, 0x20), outputs.offset, mul(COUNT, 0x20))
            mstore(0x40, add(copy, mul(add(COUNT, 1), 0x20)))
        }
    }

    /// @dev Without a look at the length: there are COUNT.
    function _at(int256[] memory outputs, uint256 index) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := mload(add(add(outputs, 0x20), shl(5, index)))
        }
    }

    function _scale(uint72 scales, uint256 index) private pure returns (uint256) {
        unchecked {
            return (uint256(scales) >> (SCALE_BITS * index)) & SCALE_MASK;
        }
    }
}
