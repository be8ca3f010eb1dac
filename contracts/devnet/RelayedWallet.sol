// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

/// @title RelayedWallet
/// @notice A wallet that one relayer drives: as a contract of its own, or as the code that an account delegates to
/// (EIP-7702). For local chains only.
contract RelayedWallet {
    /// @notice Who may drive it: in the code, so that it holds for whoever delegates here.
    address public immutable RELAYER;

    error NotTheRelayer(address caller);

    constructor(address relayer) {
        RELAYER = relayer;
    }

    receive() external payable {}

    /// @notice Make one call in the wallet's name, and pass its error on.
    function execute(address target, uint256 value, bytes calldata data) external returns (bytes memory) {
        if (msg.sender != RELAYER) revert NotTheRelayer(msg.sender);
        if (data.length == 0) {
            Address.sendValue(payable(target), value);
            return "";
        }
        return Address.functionCallWithValue(target, data, value);
    }
}
