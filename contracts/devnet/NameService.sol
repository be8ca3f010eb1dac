// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title NameService
/// @notice Names for wallets, read as ENS is: registry and resolver in one. For local chains only.
/// @dev A node is the namehash of EIP-137. As with ENS, anyone may claim any name for themselves: only the name's own
/// record proves the claim.
contract NameService is Ownable {
    /// @dev The namehash of "addr.reverse".
    bytes32 private constant _REVERSE_ROOT = 0x91d1777781884d03a6757a803996e38de2a42967fb37eeaca72729271025a9e2;
    bytes16 private constant _DIGITS = "0123456789abcdef";

    /// @notice The address that a name resolves to.
    mapping(bytes32 node => address holder) public addr;
    /// @notice The name that a reverse record claims.
    mapping(bytes32 node => string claimed) public name;

    event AddrChanged(bytes32 indexed node, address a);
    event NameChanged(bytes32 indexed node, string name);

    constructor() Ownable(msg.sender) {}

    /// @notice Lets a name resolve to an address.
    function register(bytes32 node, address holder) external onlyOwner {
        addr[node] = holder;
        emit AddrChanged(node, holder);
    }

    /// @notice Sets the caller's reverse record.
    function claim(string calldata claimed) external {
        bytes32 node = keccak256(abi.encodePacked(_REVERSE_ROOT, keccak256(_hexadecimal(msg.sender))));
        name[node] = claimed;
        emit NameChanged(node, claimed);
    }

    /// @notice The contract that answers for a node, zero for a node without a record.
    function resolver(bytes32 node) external view returns (address) {
        return addr[node] != address(0) || bytes(name[node]).length != 0 ? address(this) : address(0);
    }

    function _hexadecimal(address account) private pure returns (bytes memory text) {
        text = new bytes(40);
        uint160 rest = uint160(account);
        for (uint256 i = 40; i > 0; --i) {
            text[i - 1] = _DIGITS[rest & 0xf];
            rest >>= 4;
        }
    }
}
