// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IAIRiskOracle} from "../interfaces/IAIRiskOracle.sol";
import {Applications} from "../lib/Applications.sol";

/// @title An example: somebody else's pool, which lends ether against ether by the oracle's word
contract CreditPool {
    using Applications for Applications.Book;

    Applications.Book private _book;
    // Low risk, a score of 70, less than 20 % fraud, 40 % confidence, an hour old at most.
    Applications.Policy private _policy = Applications.Policy(0, 7_000, 2_000, 4_000, 1 hours);

    error EtherOnly();

    constructor(IAIRiskOracle oracle) payable {
        _book.oracle = oracle;
    }

    /// @notice Send the collateral and the oracle's fee; `consent` is the borrower's signature over exactly this.
    function ask(
        IAIRiskOracle.LoanTerms calldata terms,
        IAIRiskOracle.Consent calldata consent
    ) external payable returns (uint256 requestId) {
        if (terms.principalToken != address(0) || terms.collateralToken != address(0)) revert EtherOnly();
        bytes32 withoutPrivateData = _book.oracle.neutralCommitment();
        uint256 fee = msg.value - terms.collateral;
        return _book.ask(msg.sender, terms, withoutPrivateData, consent, fee);
    }

    /// @notice Once answered, and allowed: the loan. A real pool keeps a record of it here: see SmartLending.
    function take(uint256 requestId, IAIRiskOracle.LoanTerms calldata terms) external {
        _book.take(requestId, msg.sender, terms, _policy, terms.collateral);
        Address.sendValue(payable(msg.sender), terms.principal);
    }

    /// @notice Instead of the loan, at any time: the collateral.
    function leave(uint256 requestId, IAIRiskOracle.LoanTerms calldata terms) external {
        _book.drop(requestId, msg.sender, terms);
        Address.sendValue(payable(msg.sender), terms.collateral);
    }

    /// @notice The fee of a request that was declined or cancelled waits in the oracle: fetch it for the pool.
    function fetchRefund() external {
        _book.oracle.withdrawRefund(address(this));
    }

    receive() external payable {}
}
