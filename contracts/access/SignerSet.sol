// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A registered set of signers, of whom exactly a threshold must sign
/// @notice Every digest that they sign contains {signerSetDigest}: a change of the set voids what was signed before it.
abstract contract SignerSet {
    uint256 public constant MAXIMUM_SIGNERS = 31;

    /// @dev What an answer reads, in one slot: 12 bytes are enough, for the number of the change alone sets sets apart.
    /// The lowest signer stands beside them, so that one signer's answer reads nothing else.
    struct Head {
        bytes12 digest;
        address lowest;
    }

    Head internal _head;

    mapping(address signer => bool registered) public isSigner;
    address[] private _signers;
    uint64 private _changes;

    event SignersChanged(address[] signers, uint8 threshold, bytes32 signerSetDigest);

    error SignerCountOutOfRange(uint256 count, uint256 maximum);
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);
    error SignersNotAscending(address previous, address next);
    error WrongSignatureCount(uint256 count, uint256 expected);
    error UnknownSigner(address signer);

    /// @notice The first 12 bytes of keccak256(abi.encode(signers in ascending order, threshold, number of the change)).
    function signerSetDigest() public view returns (bytes32) {
        return _head.digest;
    }

    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @dev Replaces the whole set; the caller stores the threshold.
    function _setSigners(address[] memory next, uint8 threshold_) internal {
        uint256 count = next.length;
        if (count == 0 || count > MAXIMUM_SIGNERS) revert SignerCountOutOfRange(count, MAXIMUM_SIGNERS);
        if (threshold_ == 0 || threshold_ > count) revert ThresholdOutOfRange(threshold_, count);
        for (uint256 i = 0; i < _signers.length; ++i) {
            isSigner[_signers[i]] = false;
        }
        address previous = address(0);
        for (uint256 i = 0; i < count; ++i) {
            if (next[i] <= previous) revert SignersNotAscending(previous, next[i]);
            previous = next[i];
            isSigner[previous] = true;
        }
        _signers = next;
        // The number of the change keeps an old report void when an old set comes back.
        bytes12 digest = bytes12(keccak256(abi.encode(next, threshold_, ++_changes)));
        _head = Head(digest, next[0]);
        emit SignersChanged(next, threshold_, digest);
    }

    /// @dev Exactly `expected` low-s signatures of distinct registered signers, by ascending address.
    function _checkSignatures(
        bytes32 digest,
        bytes[] calldata signatures,
        uint256 expected,
        address lowest
    ) internal view {
        if (signatures.length != expected) revert WrongSignatureCount(signatures.length, expected);
        address previous = address(0);
        for (uint256 i = 0; i < expected; ++i) {
            address signer = ECDSA.recoverCalldata(digest, signatures[i]);
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            if (signer != lowest && !isSigner[signer]) revert UnknownSigner(signer);
            previous = signer;
        }
    }
}
