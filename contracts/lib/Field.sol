// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title The BN254 scalar field, as a circuit's public instances use it
library Field {
    /// @notice Order r of the field.
    uint256 internal constant MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice Signed values are kept this far from the modulus, so that no two of them share a field element.
    int256 internal constant SIGNED_LIMIT = 2 ** 127;

    function isElement(uint256 value) internal pure returns (bool) {
        return value < MODULUS;
    }

    function isSigned(int256 value) internal pure returns (bool) {
        unchecked {
            // Both limits in one comparison: what lies outside wraps around to a larger number.
            return uint256(value + (SIGNED_LIMIT - 1)) <= uint256(2 * (SIGNED_LIMIT - 1));
        }
    }

    /// @notice The element that stands for a signed value: itself, or r - |value|.
    /// @dev `value` must satisfy {isSigned}.
    function fromSigned(int256 value) internal pure returns (uint256 element) {
        assembly ("memory-safe") {
            element := add(value, mul(MODULUS, slt(value, 0)))
        }
    }
}
