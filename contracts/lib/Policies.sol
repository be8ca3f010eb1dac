// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ILendingDesk} from "../interfaces/ILendingDesk.sol";

/// @title Which policies make sense
library Policies {
    uint256 private constant BASIS_POINTS = 10_000;

    /// @notice Revert with what is wrong. Plain terms are no better than the worst that an answer can be granted.
    function check(ILendingDesk.Policy memory p) internal pure {
        _within("maximumLtv", p.maximumLtv, 1, BASIS_POINTS);
        _within("minimumScore", p.minimumScore, 0, BASIS_POINTS);
        _within("minimumConfidence", p.minimumConfidence, 0, BASIS_POINTS);
        _within("maximumUtilisation", p.maximumUtilisation, 1, BASIS_POINTS);
        _within("maximumDuration", p.maximumDuration, 1, type(uint32).max);
        _within("minimumDuration", p.minimumDuration, 1, p.maximumDuration);
        _within("plainDuration", p.plainDuration, p.minimumDuration, p.maximumDuration);
        _within("plainLtv", p.plainLtv, 1, p.maximumLtv);
        _within("plainInterestRate", p.plainInterestRate, p.maximumInterestRate, type(uint16).max);
        _within("minimumPrincipal", p.minimumPrincipal, 1, type(uint128).max);
        _within("borrowerLimit", p.borrowerLimit, p.minimumPrincipal, type(uint128).max);
        _within("maximumAnswerAge", p.maximumAnswerAge, 1, type(uint32).max);
        if (!p.plainTermsForAll) _within("refusalCooldown", p.refusalCooldown, 1, type(uint32).max);
    }

    function _within(string memory name, uint256 value, uint256 low, uint256 high) private pure {
        if (value < low || value > high) revert ILendingDesk.InvalidPolicy(name, value);
    }
}
