// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title What a model's proof shows, and how it stands in the proof's instances
/// @notice The numbers are those of {IModelRegistry-Statement}, kept in the two bits above a model's output scales.
library Statements {
    uint256 internal constant SHIFT = 70;

    /// @notice [feature commitment, data commitment, ten outputs], of one request.
    uint256 internal constant COMMITTED = 0;

    /// @notice The features of each request in two elements; then the ten outputs of each.
    uint256 internal constant OPEN = 1;

    /// @notice The features of each request in two elements; then the ten outputs of each, in one element.
    uint256 internal constant OPEN_PACKED = 2;

    /// @notice Elements that hold a request's features, 16 of 15 bits in each, the first in the lowest bits.
    uint256 internal constant FEATURE_WORDS = 2;

    /// @notice The statement that stands above the scales.
    function above(uint72 scales) internal pure returns (uint256) {
        return scales >> SHIFT;
    }
}
