// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {Calldata} from "./Calldata.sol";
import {Field} from "./Field.sol";
import {Statements} from "./Statements.sol";

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

    /// @notice Decode the outputs that stand in a proof's instances from `first` on: rounded down, clamped to [0, full scale].
    /// @param instances field elements below r
    /// @param scales seven bits for each output, the first output in the lowest bits, and the {Statements} kind above them
    function decode(
        uint256[] memory instances,
        uint256 first,
        uint72 scales
    ) internal pure returns (IAIRiskOracle.Assessment memory assessment) {
        assessment.category = _category(instances, first, scales);
        assessment.score = _basisPoints(instances, first, scales, 3);
        assessment.probabilityOfDefault = _basisPoints(instances, first, scales, 4);
        assessment.fraudLikelihood = _basisPoints(instances, first, scales, 5);
        assessment.interestRate = _basisPoints(instances, first, scales, 6);
        assessment.durationDays = _fraction(instances, first, scales, 7, FULL_DURATION_DAYS);
        assessment.maximumLtv = _basisPoints(instances, first, scales, 8);
        assessment.confidence = _basisPoints(instances, first, scales, 9);
    }

    /// @dev The largest margin wins; a tie goes to the riskier category. Margins may differ in scale.
    function _category(uint256[] memory instances, uint256 first, uint72 scales) private pure returns (uint8) {
        unchecked {
            // |margin| < 2**127 and scale < 128: the common scale of 127 keeps each below 2**254.
            int256 low = _output(instances, first, scales, 0) << (SCALE_MASK - _scale(scales, 0));
            int256 medium = _output(instances, first, scales, 1) << (SCALE_MASK - _scale(scales, 1));
            int256 high = _output(instances, first, scales, 2) << (SCALE_MASK - _scale(scales, 2));
            if (high >= medium && high >= low) return 2;
            return medium >= low ? 1 : 0;
        }
    }

    function _basisPoints(
        uint256[] memory instances,
        uint256 first,
        uint72 scales,
        uint256 index
    ) private pure returns (uint16) {
        return _fraction(instances, first, scales, index, BASIS_POINTS);
    }

    function _fraction(
        uint256[] memory instances,
        uint256 first,
        uint72 scales,
        uint256 index,
        int256 fullScale
    ) private pure returns (uint16) {
        unchecked {
            // |output| < 2**127 and fullScale < 2**14: no overflow. The shift rounds towards minus infinity.
            int256 value = (_output(instances, first, scales, index) * fullScale) >> _scale(scales, index);
            if (value < 0) return 0;
            if (value > fullScale) value = fullScale;
            return uint16(uint256(value));
        }
    }

    /// @dev Where outputs are packed, ten of PACKED_BITS each share the element, each with PACKED_OFFSET on top.
    function _output(
        uint256[] memory instances,
        uint256 first,
        uint72 scales,
        uint256 index
    ) private pure returns (int256 value) {
        unchecked {
            if (scales >> Statements.SHIFT == Statements.OPEN_PACKED) {
                uint256 digit = (instances[first] >> (PACKED_BITS * index)) & PACKED_MASK;
                return int256(digit) - PACKED_OFFSET;
            }
            uint256 element = instances[first + index];
            value = element > Field.MODULUS / 2 ? int256(element) - int256(Field.MODULUS) : int256(element);
        }
        if (!Field.isSigned(value)) revert IAIRiskOracle.OutputOutOfRange(index, value);
    }

    function _scale(uint72 scales, uint256 index) private pure returns (uint256) {
        unchecked {
            return (uint256(scales) >> (SCALE_BITS * index)) & SCALE_MASK;
        }
    }
}
