// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IAIRiskOracle} from "../../contracts/interfaces/IAIRiskOracle.sol";
import {IIssuerRegistry} from "../../contracts/interfaces/IIssuerRegistry.sol";
import {ILendingDesk} from "../../contracts/interfaces/ILendingDesk.sol";
import {IssuerFixture} from "./IssuerFixture.sol";
import {anyOrder} from "./Loans.sol";
import {OracleFixture} from "./OracleFixture.sol";

/// @notice A borrower and lender that is a contract: it signs everything, and once armed it calls back when it is paid
/// or when a token tells it.
contract Reenterer is IERC1271 {
    struct Attempt {
        address target;
        uint256 value;
        bytes data;
    }

    Attempt[] private _attempts;
    bytes4[] private _refusals;
    uint256 private _armed;

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }

    function act(address to, uint256 value, bytes calldata data) external returns (bytes memory answer) {
        bool ok;
        (ok, answer) = to.call{value: value}(data);
        require(ok, "act");
    }

    function add(address target, uint256 value, bytes calldata data) external {
        _attempts.push(Attempt(target, value, data));
    }

    /// @notice Make the first `count` attempts at the next chance, once.
    function arm(uint256 count) external {
        _armed = count;
    }

    function callBack() public {
        uint256 count = _armed;
        // An attempt that comes through may pay in turn: the others are not made again within it.
        _armed = 0;
        for (uint256 i = 0; i < count; ++i) {
            Attempt memory a = _attempts[i];
            (bool ok, bytes memory answer) = a.target.call{value: a.value}(a.data);
            _refusals.push(ok ? bytes4(0) : bytes4(answer));
        }
    }

    function attempts() external view returns (Attempt[] memory) {
        return _attempts;
    }

    /// @notice The error of each attempt, zero for one that came through.
    function refusals() external view returns (bytes4[] memory) {
        return _refusals;
    }

    receive() external payable {
        callBack();
    }
}

/// @notice A lender, a contract that borrows from it, and what that contract tries while it is being paid.
abstract contract ReentryFixture is OracleFixture, IssuerFixture {
    // Without private data, and with.
    bytes4 private constant REQUEST_LOAN = bytes4(
        keccak256("requestLoan((uint128,uint128,uint32,uint128,uint32,uint16),bytes32,(uint64,bytes))")
    );
    bytes4 private constant REQUEST_VOUCHED = bytes4(
        keccak256(
            "requestLoan((uint128,uint128,uint32,uint128,uint32,uint16),bytes32,(uint64,bytes),(bytes32,bytes32,uint64,bytes))"
        )
    );

    Reenterer internal wallet;
    ILendingDesk internal desk;
    address internal asset;

    function _meet(ILendingDesk desk_, address asset_) internal {
        desk = desk_;
        asset = asset_;
        wallet = new Reenterer();
        vm.deal(address(wallet), 100 ether);
        vm.deal(address(this), 100 ether);
        // Its reviews would be heard too.
        manager.grantRole(manager.ADMIN_ROLE(), address(wallet), 0);
    }

    // ------------------------------------------------------- loans, by where they stand

    function _requestCall(uint128 principal, uint128 collateral, uint32 duration) internal view returns (bytes memory) {
        IAIRiskOracle.Consent memory consent = IAIRiskOracle.Consent(uint64(block.timestamp + 1 hours), "");
        return abi.encodeWithSelector(REQUEST_LOAN, anyOrder(principal, collateral, duration), NEUTRAL, consent);
    }

    function _vouchedCall(uint128 principal, uint128 collateral, uint32 duration) internal view returns (bytes memory) {
        IAIRiskOracle.Consent memory consent = IAIRiskOracle.Consent(uint64(block.timestamp + 1 hours), "");
        IIssuerRegistry.Attestation memory attestation = _attestation(bank, address(wallet), DATA);
        return
            abi.encodeWithSelector(
                REQUEST_VOUCHED,
                anyOrder(principal, collateral, duration),
                DATA,
                consent,
                attestation
            );
    }

    function _apply(
        uint128 principal,
        uint128 collateral,
        uint32 duration
    ) internal returns (uint256 loanId, IAIRiskOracle.Request memory request) {
        wallet.act(address(desk), uint256(collateral) + FEE, _requestCall(principal, collateral, duration));
        loanId = desk.loanCount();
        request = _logged(address(wallet), address(desk), desk.judgedTerms(anyOrder(principal, collateral, duration)));
    }

    function _apply() internal virtual returns (uint256 loanId, IAIRiskOracle.Request memory request);

    function _answered(int256[] memory outputs) internal returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply();
        _answer(desk.loan(loanId).requestId, request, outputs);
    }

    function _active() internal returns (uint256 loanId) {
        loanId = _answered(_lowOutputs());
        desk.settle(loanId);
    }

    function _inReview() internal returns (uint256 loanId) {
        loanId = _answered(_mediumOutputs());
        desk.settle(loanId);
    }

    function _declined() internal returns (uint256 loanId) {
        IAIRiskOracle.Request memory request;
        (loanId, request) = _apply();
        _decline(desk.loan(loanId).requestId, request, 1);
    }

    function _requested() internal returns (uint256 loanId) {
        (loanId, ) = _apply();
    }

    // ---------------------------------------------------------------- attempts

    function _attempt(uint256 value, bytes memory data) internal {
        wallet.add(address(desk), value, data);
    }

    /// @dev What keeps an attempt out during a payment is then the guard: nothing else is wrong with it.
    function _succeedAlone() internal {
        Reenterer.Attempt[] memory attempts = wallet.attempts();
        for (uint256 i = 0; i < attempts.length; ++i) {
            uint256 state = vm.snapshotState();
            wallet.act(attempts[i].target, attempts[i].value, attempts[i].data);
            check(vm.revertToState(state), "back");
        }
    }

    /// @dev The call gives the wallet its chance, and the guard refuses each of its first `count` attempts.
    function _refusesWithin(uint256 value, bytes memory data, uint256 count) internal {
        wallet.arm(count);
        wallet.act(address(desk), value, data);
        bytes4[] memory refusals = wallet.refusals();
        equal(refusals.length, count, "all were made");
        for (uint256 i = 0; i < count; ++i) {
            bytes32 expected = ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector;
            equal(refusals[i], expected, vm.toString(i));
        }
    }
}
