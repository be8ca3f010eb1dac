// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {CreditPool} from "../contracts/examples/CreditPool.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

contract ExampleTest is OracleFixture {
    CreditPool private pool;

    function setUp() public override {
        super.setUp();
        pool = new CreditPool(oracle);
        vm.deal(address(pool), 10 ether);
    }

    function _asked() private returns (uint256 id, IAIRiskOracle.Request memory request) {
        IAIRiskOracle.Consent memory consent = _consent(address(pool), _terms(), NEUTRAL);
        vm.prank(borrower);
        id = pool.ask{value: 2 ether + FEE}(1 ether, 30 days, NEUTRAL, consent);
        request = _logged(borrower, address(pool), _terms());
    }

    function test_example__when_the_risk_is_low__then_it_lends_once() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _asked();
        _answer(id, request, _lowOutputs());
        vm.expectRevert(abi.encodeWithSelector(CreditPool.NotYours.selector, id));
        pool.decide(id, true);
        uint256 before = borrower.balance;
        vm.prank(borrower);
        pool.decide(id, true);
        equal(borrower.balance, before + 1 ether, "the loan");
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(CreditPool.NotYours.selector, id));
        pool.decide(id, true);
    }

    function test_example__when_refused_or_unanswered__then_the_collateral_goes_back() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _asked();
        vm.prank(borrower);
        vm.expectPartialRevert(IAIRiskOracle.NotAnswered.selector);
        pool.decide(id, true);
        _answer(id, request, _highOutputs());
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(CreditPool.Refused.selector, id));
        pool.decide(id, true);
        uint256 before = borrower.balance;
        vm.prank(borrower);
        pool.decide(id, false);
        equal(borrower.balance, before + 2 ether, "the collateral");
    }

    function test_example__when_the_loan_exceeds_the_models_ltv__then_it_is_refused() public {
        int256[] memory outputs = _lowOutputs();
        outputs[8] = 511;
        (uint256 id, IAIRiskOracle.Request memory request) = _asked();
        _answer(id, request, outputs);
        vm.prank(borrower);
        vm.expectRevert(abi.encodeWithSelector(CreditPool.Refused.selector, id));
        pool.decide(id, true);
    }

    function test_example__when_declined__then_the_fee_comes_back_to_the_pool() public {
        (uint256 id, IAIRiskOracle.Request memory request) = _asked();
        _decline(id, request, 1);
        uint256 before = address(pool).balance;
        pool.fetchRefund();
        equal(address(pool).balance, before + FEE, "the fee");
    }
}
