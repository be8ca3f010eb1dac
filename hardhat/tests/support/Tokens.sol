// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IPriceFeed} from "../../contracts/interfaces/IPriceFeed.sol";

/// @notice A dollar token with six decimals. It can turn into one that takes a fee, or that calls back on transfers.
contract DollarToken is ERC20("Dollar", "USD") {
    uint256 public feeBps;
    address public hooked;
    bytes public hookCall;
    bool public hookSucceeded;

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function takeFee(uint256 bps) external {
        feeBps = bps;
    }

    function hook(address target, bytes calldata call_) external {
        hooked = target;
        hookCall = call_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (feeBps > 0 && from != address(0)) super._update(to, address(0xFEE), (amount * feeBps) / 10_000);
        if (hooked != address(0)) {
            address target = hooked;
            hooked = address(0);
            (hookSucceeded, ) = target.call(hookCall);
        }
    }
}

/// @notice A feed whose answer a test sets.
contract SettableFeed is IPriceFeed {
    int256 private _price;
    uint256 private _updatedAt;
    uint8 public immutable decimals;

    constructor(int256 price, uint8 decimals_) {
        decimals = decimals_;
        set(price);
    }

    function set(int256 price) public {
        _price = price;
        _updatedAt = block.timestamp;
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (1, _price, _updatedAt, _updatedAt, 1);
    }
}
