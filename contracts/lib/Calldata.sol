// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";

/// @title Hashes of what stands in calldata, without decoding it
/// @notice Each equals the hash of the ABI encoding when the words are canonical (no stray bits above an address or a
/// small integer). Words that are not give another hash: they match nothing that was stored or signed.
library Calldata {
    uint256 private constant REQUEST_BYTES = 12 * 32;
    uint256 private constant TERMS_BYTES = 5 * 32;

    /// @notice keccak256(abi.encode(request)).
    function hash(IAIRiskOracle.Request calldata request) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, request, REQUEST_BYTES)
            digest := keccak256(free, REQUEST_BYTES)
        }
    }

    /// @notice keccak256(abi.encode(terms)).
    function hash(IAIRiskOracle.LoanTerms calldata terms) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, terms, TERMS_BYTES)
            digest := keccak256(free, TERMS_BYTES)
        }
    }

    /// @notice keccak256(abi.encodePacked(values)).
    function hash(int256[] calldata values) internal pure returns (bytes32 digest) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := shl(5, values.length)
            calldatacopy(free, values.offset, size)
            digest := keccak256(free, size)
        }
    }

    /// @notice values[index], without a look at the length: the caller has checked it.
    function at(int256[] calldata values, uint256 index) internal pure returns (int256 value) {
        assembly ("memory-safe") {
            value := calldataload(add(values.offset, shl(5, index)))
        }
    }
}
