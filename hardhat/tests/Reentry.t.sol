// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {ILendingDesk} from "../contracts/interfaces/ILendingDesk.sol";
import {SmartLending} from "../contracts/lending/SmartLending.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @notice A borrower that is a contract: it signs everything, and calls back whenever it is paid.
contract ContractBorrower is IERC1271 {
    bytes[] public attempts;
    uint256 public succeeded;
    address public target;

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }

    function prepare(address target_, bytes[] calldata attempts_) external {
        target = target_;
        attempts = attempts_;
    }

    function act(address to, uint256 value, bytes calldata call_) external returns (bytes memory answer) {
        bool ok;
        (ok, answer) = to.call{value: value}(call_);
        require(ok, "act");
    }

    receive() external payable {
        for (uint256 i = 0; i < attempts.length; ++i) {
            (bool ok, ) = target.call(attempts[i]);
            if (ok) ++succeeded;
        }
    }
}

contract ReentryTest is OracleFixture {
    SmartLending private pool;
    ContractBorrower private wallet;

    function setUp() public override {
        super.setUp();
        pool = new SmartLending(
            address(manager),
            oracle,
            ILendingDesk.Policy(7_000, 2_000, 0, 7_000, 3_000, 1_000, 180 days, 3 days)
        );
        wallet = new ContractBorrower();
        vm.deal(address(wallet), 100 ether);
        vm.deal(address(this), 100 ether);
        pool.fund{value: 50 ether}();
    }

    function _apply(uint128 principal, uint128 collateral) private returns (IAIRiskOracle.Request memory request) {
        IAIRiskOracle.Consent memory consent = IAIRiskOracle.Consent(uint64(block.timestamp + 1 hours), "");
        bytes memory call_ = abi.encodeCall(pool.requestLoan, (principal, uint32(30 days), NEUTRAL, consent));
        wallet.act(address(pool), uint256(collateral) + FEE, call_);
        request = _logged(
            address(wallet),
            address(pool),
            IAIRiskOracle.LoanTerms(address(0), principal, address(0), collateral, 30 days)
        );
    }

    function _prepareAll(uint256 loanId) private {
        bytes[] memory attempts = new bytes[](6);
        attempts[0] = abi.encodeCall(pool.settle, (loanId));
        attempts[1] = abi.encodeCall(pool.claim, ());
        attempts[2] = abi.encodeCall(pool.withdrawApplication, (loanId));
        attempts[3] = abi.encodeCall(pool.takePlainTerms, (loanId));
        attempts[4] = abi.encodeCall(pool.reclaimFee, (loanId));
        attempts[5] = abi.encodeCall(pool.repay, (loanId));
        wallet.prepare(address(pool), attempts);
    }

    function test_borrower__when_it_reenters_at_payout__then_it_is_paid_once() public {
        IAIRiskOracle.Request memory request = _apply(1 ether, 2 ether);
        _answer(1, request, _lowOutputs());
        _prepareAll(1);
        uint256 before = address(wallet).balance;
        pool.settle(1);
        equal(address(wallet).balance, before + 1 ether, "one principal");
        equal(wallet.succeeded(), 0, "no call came through");
        equal(pool.cash(), 49 ether, "cash");
    }

    function test_borrower__when_it_reenters_at_a_claim__then_it_claims_once() public {
        IAIRiskOracle.Request memory first = _apply(1 ether, 2 ether);
        _apply(1 ether, 3 ether);
        _answer(1, first, _highOutputs());
        pool.settle(1);
        _prepareAll(2);
        uint256 before = address(wallet).balance;
        wallet.act(address(pool), 0, abi.encodeCall(pool.claim, ()));
        equal(address(wallet).balance, before + 2 ether, "one collateral");
        equal(wallet.succeeded(), 0, "no call came through");
    }

    function test_lender__when_it_reenters_at_a_withdrawal__then_it_is_paid_once() public {
        wallet.act(address(pool), 10 ether, abi.encodeCall(pool.fund, ()));
        uint256 shares = pool.balanceOf(address(wallet));
        bytes[] memory attempts = new bytes[](2);
        attempts[0] = abi.encodeCall(pool.withdraw, (1));
        attempts[1] = abi.encodeCall(pool.fund, ());
        wallet.prepare(address(pool), attempts);
        uint256 before = address(wallet).balance;
        wallet.act(address(pool), 0, abi.encodeCall(pool.withdraw, (shares / 2)));
        equal(wallet.succeeded(), 0, "no call came through");
        check(address(wallet).balance <= before + 5 ether, "its half");
    }

    function test_amounts__when_as_large_as_they_get__then_the_caps_hold() public {
        IAIRiskOracle.Request memory request = _apply(type(uint128).max, 2 ether);
        _answer(1, request, _lowOutputs());
        pool.settle(1);
        equal(pool.loan(1).principal, 1.4 ether, "70 % of the collateral");
        vm.warp(block.timestamp + 1_000 * 365 days);
        pool.liquidate(1);
        equal(pool.cash(), 50 ether - 1.4 ether + 2 ether, "all of the collateral, no overflow");
    }

    function test_amounts__when_dust__then_interest_still_rounds_up() public {
        IAIRiskOracle.Request memory request = _apply(1, 2);
        _answer(1, request, _lowOutputs());
        pool.settle(1);
        equal(pool.loan(1).principal, 1, "one wei");
        vm.warp(block.timestamp + 1);
        equal(pool.owed(1), 2, "and one of interest");
        pool.repay{value: 2}(1);
        equal(pool.claimable(address(wallet)), 2, "the collateral");
    }

    /// @dev Sees an answer coming and runs ahead of it: the collateral leaves, and nothing is lent.
    function test_borrower__when_it_runs_ahead_of_a_bad_answer__then_it_gains_nothing() public {
        IAIRiskOracle.Request memory request = _apply(1 ether, 2 ether);
        wallet.act(address(pool), 0, abi.encodeCall(pool.withdrawApplication, (1)));
        _answer(1, request, _highOutputs());
        equal(pool.cash(), 50 ether, "nothing lent");
        equal(oracle.riskCategory(address(wallet)), 2, "and the answer is on record");
    }
}
