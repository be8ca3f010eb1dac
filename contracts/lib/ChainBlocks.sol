// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Arbitrum's system contract: there, the opcodes speak about Ethereum's blocks
interface IArbSys {
    function arbBlockNumber() external view returns (uint256);
    function arbBlockHash(uint256 blockNumber) external view returns (bytes32);
}

/// @title The chain's own blocks: those in which its transactions and logs stand
library ChainBlocks {
    IArbSys private constant ARBITRUM = IArbSys(address(0x64));

    /// @dev Serves the last 8,191 hashes where EIP-2935 is live.
    address private constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;

    function onArbitrum() internal view returns (bool) {
        return address(ARBITRUM).code.length > 0;
    }

    function number(bool arbitrum) internal view returns (uint256) {
        return arbitrum ? ARBITRUM.arbBlockNumber() : block.number;
    }

    /// @notice The hash of a block, zero when the chain cannot tell: not yet, or no more.
    function hashOf(uint256 blockNumber, bool arbitrum) internal view returns (bytes32 found) {
        if (arbitrum) {
            // It reverts for a block that it does not know.
            try ARBITRUM.arbBlockHash(blockNumber) returns (bytes32 known) {
                return known;
            } catch {
                return 0;
            }
        }
        found = blockhash(blockNumber);
        if (found != 0 || blockNumber >= block.number) return found;
        (bool ok, bytes memory answer) = HISTORY.staticcall(abi.encode(blockNumber));
        // No contract there answers with nothing; one that does not know the block refuses.
        if (ok && answer.length == 32) found = abi.decode(answer, (bytes32));
    }
}
