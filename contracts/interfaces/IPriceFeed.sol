// SPDX-License-Identifier: Apache-2.0
pragma solidity >=0.8.4;

/// @title A price feed with the selectors of Chainlink's aggregators
interface IPriceFeed {
    function decimals() external view returns (uint8);

    /// @return roundId number of the round
    /// @return answer price, scaled by 10**decimals
    /// @return startedAt Unix seconds
    /// @return updatedAt Unix seconds of the answer
    /// @return answeredInRound deprecated by Chainlink
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
