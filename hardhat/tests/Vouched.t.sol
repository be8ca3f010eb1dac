// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {IAcceptedIssuers} from "../contracts/interfaces/IAcceptedIssuers.sol";
import {IIssuerRegistry} from "../contracts/interfaces/IIssuerRegistry.sol";
import {Applications} from "../contracts/lib/Applications.sol";
import {MockAIRiskOracle} from "../contracts/mocks/MockAIRiskOracle.sol";
import {IssuerFixture} from "./support/IssuerFixture.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @notice Somebody else's contract that takes private data.
contract Asking {
    using Applications for Applications.Book;

    Applications.Book private _book;
    Applications.Policy private _policy = Applications.Policy(0, 7_000, 2_000, 4_000, 1 hours);

    constructor(IAIRiskOracle oracle) {
        _book.oracle = oracle;
    }

    function ask(IAIRiskOracle.LoanTerms memory terms, bytes32 data) external payable returns (uint256) {
        return _book.ask(msg.sender, terms, data, IAIRiskOracle.Consent(0, ""), msg.value);
    }

    function askVouched(
        IAIRiskOracle.LoanTerms memory terms,
        Applications.Vouched memory data
    ) external payable returns (uint256) {
        return _book.askVouched(msg.sender, terms, data, IAIRiskOracle.Consent(0, ""), msg.value);
    }

    function take(uint256 id, IAIRiskOracle.LoanTerms memory terms) external {
        _book.take(id, msg.sender, terms, _policy, terms.collateral);
    }

    function takeVouched(uint256 id, IAIRiskOracle.LoanTerms memory terms, Applications.Vouched memory data) external {
        _book.takeVouched(id, msg.sender, terms, data, _policy, terms.collateral);
    }

    function dropVouched(uint256 id, IAIRiskOracle.LoanTerms memory terms, bytes32 data) external {
        _book.dropVouched(id, msg.sender, terms, data);
    }
}

/// @title What an integrator's contract takes private data by
contract VouchedTest is OracleFixture, IssuerFixture {
    MockAIRiskOracle private mock;
    Asking private asking;

    function setUp() public override {
        super.setUp();
        _foundIssuers(manager);
        mock = new MockAIRiskOracle();
        mock.willAnswer(mock.goodAnswer());
        asking = new Asking(mock);
    }

    function _vouched() private view returns (Applications.Vouched memory) {
        return Applications.Vouched(accepted, DATA, _attestation(employer, address(this), DATA));
    }

    function test_ask__when_nobody_vouches__then_only_the_neutral_commitment_is_taken() public {
        vm.expectPartialRevert(Applications.NobodyVouches.selector);
        asking.ask{value: FEE}(_terms(), DATA);
        asking.ask{value: FEE}(_terms(), mock.neutralCommitment());
        Applications.Vouched memory data = _vouched();
        data.acceptedIssuers = IAcceptedIssuers(address(0));
        vm.expectPartialRevert(Applications.NobodyVouches.selector);
        asking.askVouched{value: FEE}(_terms(), data);
        data = Applications.Vouched(accepted, DATA, _attestation(employer, borrower, DATA));
        vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
        asking.askVouched{value: FEE}(_terms(), data);
    }

    function test_take__when_vouched_for__then_it_allows_the_loan_once() public {
        uint256 id = asking.askVouched{value: FEE}(_terms(), _vouched());
        check(mock.assessmentOf(id).privateData, "the answer says so");
        asking.takeVouched(id, _terms(), _vouched());
        Applications.Vouched memory data = _vouched();
        vm.expectPartialRevert(Applications.NotAsked.selector);
        asking.takeVouched(id, _terms(), data);
    }

    /// @dev Else the attestation would be looked at once only.
    function test_take__when_asked_with_private_data__then_it_is_not_taken_without() public {
        uint256 id = asking.askVouched{value: FEE}(_terms(), _vouched());
        vm.expectPartialRevert(Applications.NotAcceptable.selector);
        asking.take(id, _terms());
        Applications.Vouched memory other = _vouched();
        other.dataCommitment = bytes32(uint256(DATA) + 1);
        other.attestation = _attestation(employer, address(this), other.dataCommitment);
        vm.expectPartialRevert(Applications.NotAsked.selector);
        asking.takeVouched(id, _terms(), other);
    }

    function test_take__when_the_word_was_taken_back__then_only_the_collateral_goes_back() public {
        uint256 id = asking.askVouched{value: FEE}(_terms(), _vouched());
        Applications.Vouched memory data = _vouched();
        issuers.revoke(employer, DATA);
        vm.expectPartialRevert(IIssuerRegistry.CommitmentIsRevoked.selector);
        asking.takeVouched(id, _terms(), data);
        asking.dropVouched(id, _terms(), DATA);
        vm.expectPartialRevert(Applications.NotAsked.selector);
        asking.dropVouched(id, _terms(), DATA);
    }

    function test_take__when_the_answer_is_bad__then_no_word_helps() public {
        IAIRiskOracle.Assessment memory bad = mock.goodAnswer();
        bad.category = 2;
        mock.willAnswer(bad);
        uint256 id = asking.askVouched{value: FEE}(_terms(), _vouched());
        Applications.Vouched memory data = _vouched();
        vm.expectPartialRevert(Applications.NotAcceptable.selector);
        asking.takeVouched(id, _terms(), data);
    }

    function test_mock__when_read_by_wallet__then_answers_with_private_data_are_left_out() public {
        asking.askVouched{value: FEE}(_terms(), _vouched());
        vm.expectPartialRevert(IAIRiskOracle.NoAssessment.selector);
        mock.getAssessment(address(this));
    }
}
