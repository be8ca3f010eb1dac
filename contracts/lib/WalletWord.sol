// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice All that is kept of a wallet, in one slot that its requests write and its answers only read: 56 bits count its
/// used consents, five times 40 are its last requests, the newest lowest.
type WalletWord is uint256;

using WalletWords for WalletWord global;

/// @title What a wallet's word says
library WalletWords {
    uint256 internal constant REQUESTS = 5;
    uint256 private constant NONCE_BITS = 56;
    uint256 private constant ID_BITS = 40;

    function nonce(WalletWord word) internal pure returns (uint256) {
        return uint56(WalletWord.unwrap(word));
    }

    function withNextNonce(WalletWord word) internal pure returns (WalletWord) {
        // 2**56 transactions of one wallet are never mined.
        return WalletWord.wrap(WalletWord.unwrap(word) + 1);
    }

    /// @notice The id of the wallet's newest request but `age`, zero when there were fewer.
    function request(WalletWord word, uint256 age) internal pure returns (uint256) {
        return uint40(WalletWord.unwrap(word) >> (NONCE_BITS + ID_BITS * age));
    }

    /// @notice The word after one more request; the oldest of five is forgotten.
    function withRequest(WalletWord word, uint256 requestId) internal pure returns (WalletWord) {
        uint256 older = (WalletWord.unwrap(word) >> NONCE_BITS) << (NONCE_BITS + ID_BITS);
        return WalletWord.wrap(older | (requestId << NONCE_BITS) | word.nonce());
    }
}
