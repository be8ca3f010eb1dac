// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title RoundLog
/// @notice One phase of a price feed: answers numbered from 1, each with its time. For local chains only.
/// @dev The read side has the selectors of Chainlink's aggregators.
contract RoundLog is Ownable {
    struct Round {
        int192 answer;
        uint64 updatedAt;
    }

    Round[] private _rounds;

    /// @notice As Chainlink's aggregators log it.
    event AnswerUpdated(int256 indexed current, uint256 indexed roundId, uint256 updatedAt);

    /// @notice An answer must be above zero; this one was not.
    error AnswerNotPositive(int192 answer);

    constructor(address owner) Ownable(owner) {}

    /// @notice Appends an answer with the block's time.
    /// @param answer The price in the feed's smallest unit.
    function push(int192 answer) external onlyOwner {
        if (answer <= 0) revert AnswerNotPositive(answer);
        _rounds.push(Round(answer, uint64(block.timestamp)));
        emit AnswerUpdated(answer, _rounds.length, block.timestamp);
    }

    /// @notice The newest round's number, 0 while there is none.
    function latestRound() external view returns (uint256) {
        return _rounds.length;
    }

    /// @notice A round's answer and time, zeros for a round that does not exist.
    function roundAt(uint64 number) external view returns (int256 answer, uint256 updatedAt) {
        if (number == 0 || number > _rounds.length) return (0, 0);
        Round storage round = _rounds[number - 1];
        return (round.answer, round.updatedAt);
    }
}

/// @title PriceFeed
/// @notice A price feed with its whole history of rounds, read as Chainlink's proxies are. For local chains only.
/// @dev A round id is `phase << 64 | number`, a new phase starts a new RoundLog: what readers of mainnet feeds face.
contract PriceFeed is Ownable {
    /// @notice Decimals of every answer.
    uint8 public constant decimals = 8;
    /// @notice Version of the interface.
    uint256 public constant version = 4;
    /// @notice What is priced, for example "ETH / USD".
    string public description;
    /// @notice The newest phase, from 1.
    uint16 public phaseId;

    /// @notice The aggregator of a phase.
    mapping(uint16 phase => RoundLog) public phaseAggregators;

    /// @notice No round has this id.
    error NoDataPresent(uint80 roundId);

    constructor(string memory description_, int192 answer) Ownable(msg.sender) {
        description = description_;
        _startPhase();
        phaseAggregators[phaseId].push(answer);
    }

    /// @notice Publishes a new answer.
    /// @param answer The price with `decimals` decimals.
    function push(int192 answer) external onlyOwner {
        phaseAggregators[phaseId].push(answer);
    }

    /// @notice Moves to a new aggregator, as an upgrade of a feed does, and publishes its first answer.
    function startPhase(int192 answer) external onlyOwner {
        _startPhase();
        phaseAggregators[phaseId].push(answer);
    }

    /// @notice The newest answer; what lending protocols read.
    function latestAnswer() external view returns (int256 answer) {
        (, answer, , , ) = getRoundData(_latestRoundId());
    }

    /// @notice The newest round.
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        return getRoundData(_latestRoundId());
    }

    /// @notice A round by its id; reverts for one that does not exist.
    function getRoundData(
        uint80 id
    )
        public
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound)
    {
        RoundLog phase = phaseAggregators[uint16(id >> 64)];
        if (address(phase) == address(0)) revert NoDataPresent(id);
        (answer, updatedAt) = phase.roundAt(uint64(id));
        if (updatedAt == 0) revert NoDataPresent(id);
        return (id, answer, updatedAt, updatedAt, id);
    }

    function _latestRoundId() private view returns (uint80) {
        return (uint80(phaseId) << 64) | uint80(phaseAggregators[phaseId].latestRound());
    }

    function _startPhase() private {
        phaseAggregators[++phaseId] = new RoundLog(address(this));
    }
}
