// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @title Who pays for what gets no answer, and a fee that follows the base fee
contract FeesTest is OracleFixture {
    uint96 private constant LOW = 0.0005 ether;
    uint96 private constant HIGH = 0.05 ether;

    function test_decline__when_the_requester_caused_it__then_a_tenth_is_kept() public {
        bool[6] memory caused = [false, false, true, true, false, true];
        uint256 kept;
        uint256 refunded;
        for (uint8 reason = 1; reason <= 5; ++reason) {
            (uint256 id, IAIRiskOracle.Request memory request) = _askFor();
            uint256 refund = caused[reason] ? FEE - FEE / 10 : FEE;
            equal(oracle.refundFor(FEE, IAIRiskOracle.DeclineReason(reason)), refund, "as it says");
            _decline(id, request, reason);
            (kept, refunded) = (kept + FEE - refund, refunded + refund);
            equal(oracle.refundOf(address(this)), refunded, "refund");
            equal(oracle.earnedFees(), kept, "kept");
            (IAIRiskOracle.DeclineReason stored, uint40 at) = oracle.declineOf(id);
            equal(uint8(stored), reason, "the reason can be read");
            equal(at, _time(), "and when");
        }
        oracle.withdrawFees();
        oracle.withdrawRefund(address(this));
        equal(address(oracle).balance, 0, "nobody's ether is left");
    }

    function test_decline__when_a_request_was_not_declined__then_there_is_no_reason() public {
        (uint256 answered, IAIRiskOracle.Request memory first) = _ask();
        (uint256 cancelled, IAIRiskOracle.Request memory second) = _ask();
        (uint256 pending, ) = _ask();
        _answer(answered, first, _highOutputs());
        vm.warp(uint256(second.deadline) + 1);
        oracle.cancelRequest(second, cancelled);
        uint256[4] memory ids = [answered, cancelled, pending, 99];
        for (uint256 i = 0; i < 4; ++i) {
            (IAIRiskOracle.DeclineReason reason, uint40 at) = oracle.declineOf(ids[i]);
            equal(uint8(reason) + at, 0, "none");
        }
        equal(oracle.refundFor(FEE, IAIRiskOracle.DeclineReason.None), FEE, "cancelled, all of it");
    }

    function test_fee__when_bounded__then_it_follows_the_base_fee_within_them() public {
        vm.expectRevert(IAIRiskOracle.FeeIsFixed.selector);
        oracle.followBaseFee();
        oracle.setFeeBounds(LOW, HIGH);
        (uint96 minimum, uint96 maximum) = oracle.feeBounds();
        check(minimum == LOW && maximum == HIGH, "bounds");
        equal(oracle.fee(), FEE, "until somebody lets it follow");

        uint256[3] memory baseFees = [uint256(0.1 gwei), 20 gwei, 1_000 gwei];
        uint256[3] memory fees = [uint256(LOW), 20 gwei * 750_000, HIGH];
        for (uint256 i = 0; i < 3; ++i) {
            vm.warp(_time() + 1 hours);
            vm.fee(baseFees[i]);
            vm.prank(borrower);
            oracle.followBaseFee();
            equal(oracle.fee(), fees[i], "fee");
            equal(oracle.callbackGasPrice(), fees[i] / 750_000, "a callback's gas at the same price");
            // A borrower signs and sends with it.
            vm.warp(_time() + 1 hours - 1);
            vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.FeeChangedLately.selector, _time() + 1));
            oracle.followBaseFee();
        }
        oracle.setFees(FEE, 1 gwei);
        vm.warp(_time() + 1 days);
        vm.expectRevert(IAIRiskOracle.FeeIsFixed.selector);
        oracle.followBaseFee();
    }

    function test_fee__when_the_bounds_are_senseless_or_set_by_anybody__then_they_are_refused() public {
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidSetting.selector, "maximumFee", 0));
        oracle.setFeeBounds(0, 0);
        vm.expectRevert(abi.encodeWithSelector(IAIRiskOracle.InvalidSetting.selector, "maximumFee", LOW));
        oracle.setFeeBounds(HIGH, LOW);
        vm.expectRevert();
        oracle.setFeeBounds(1, 2 ** 72);
        vm.prank(borrower);
        vm.expectPartialRevert(bytes4(keccak256("AccessManagedUnauthorized(address)")));
        oracle.setFeeBounds(LOW, HIGH);
        oracle.setFeeBounds(0, 1);
    }

    /// @dev No answer costs a new slot: whoever asks makes those that it needs.
    function test_answer__when_the_wallet_is_new_or_known__then_it_fills_no_empty_slot() public {
        vm.deal(address(this), 1_000 ether);
        for (uint256 i = 0; i < 7; ++i) {
            (uint256 id, IAIRiskOracle.Request memory request) = i % 2 == 0 ? _ask() : _askFor();
            IAIRiskOracle.Report memory report = _report(id, _lowOutputs());
            bytes memory proof = _proof(request, report);
            bytes[] memory signatures = _signatures(oracle.reportDigest(request, report));
            uint256 before = vm.snapshotState();
            vm.record();
            oracle.provideAssessment(request, report, signatures, proof);
            (, bytes32[] memory written) = vm.accesses(address(oracle));
            vm.revertToState(before);
            equal(written.length, 2, "the request's word and the ledger");
            for (uint256 j = 0; j < written.length; ++j) {
                check(vm.load(address(oracle), written[j]) != 0, "an empty slot was filled");
            }
            oracle.provideAssessment(request, report, signatures, proof);
        }
    }
}
