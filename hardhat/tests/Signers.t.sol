// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {AIRiskOracle} from "../contracts/AIRiskOracle.sol";
import {SignerSet} from "../contracts/access/SignerSet.sol";
import {IAIRiskOracle} from "../contracts/interfaces/IAIRiskOracle.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

contract SignersTest is OracleFixture {
    uint256 private constant CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    uint256 private id;
    IAIRiskOracle.Request private request;
    IAIRiskOracle.Report private report;
    bytes private proof;

    function _prepare(uint256 count, uint8 threshold) private {
        signerKeys = _ascendingKeys(count);
        oracle = _deployOracle(threshold, false);
        (id, request) = _ask();
        report = _report(id, _lowOutputs());
        proof = _proof(request, report);
    }

    function _digest() private view returns (bytes32) {
        return oracle.reportDigest(request, report);
    }

    function test_signatures__when_exactly_the_threshold_signs__then_any_subset_in_order_counts(
        uint8 count,
        uint8 threshold,
        uint256 choice
    ) public {
        count = uint8(bound(count, 1, 31));
        threshold = uint8(bound(threshold, 1, count));
        _prepare(count, threshold);
        bytes32 digest = _digest();
        bytes[] memory signatures = new bytes[](threshold);
        uint256 taken = 0;
        for (uint256 i = 0; i < count && taken < threshold; ++i) {
            bool needed = count - i == threshold - taken;
            if (needed || (choice >> i) & 1 == 1) signatures[taken++] = _signature(signerKeys[i], digest);
        }
        oracle.provideAssessment(request, report, signatures, proof);
        check(oracle.stateOf(id) == IAIRiskOracle.RequestState.Answered, "answered");
    }

    function test_signatures__when_fewer_or_more_than_the_threshold__then_they_are_refused() public {
        _prepare(3, 2);
        for (uint256 count = 0; count < 4; ++count) {
            if (count == 2) continue;
            bytes[] memory signatures = new bytes[](count);
            for (uint256 i = 0; i < count; ++i) signatures[i] = _signature(signerKeys[i], _digest());
            vm.expectRevert(abi.encodeWithSelector(SignerSet.WrongSignatureCount.selector, count, 2));
            oracle.provideAssessment(request, report, signatures, proof);
        }
    }

    function test_signatures__when_one_signer_signs_twice__then_it_counts_once() public {
        _prepare(3, 2);
        bytes[] memory signatures = new bytes[](2);
        signatures[0] = _signature(signerKeys[1], _digest());
        signatures[1] = signatures[0];
        address signer = vm.addr(signerKeys[1]);
        vm.expectRevert(abi.encodeWithSelector(SignerSet.SignersNotAscending.selector, signer, signer));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_signatures__when_out_of_order__then_they_are_refused() public {
        _prepare(3, 2);
        bytes[] memory signatures = new bytes[](2);
        signatures[0] = _signature(signerKeys[2], _digest());
        signatures[1] = _signature(signerKeys[0], _digest());
        vm.expectPartialRevert(SignerSet.SignersNotAscending.selector);
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_signatures__when_a_stranger_signs__then_it_is_refused() public {
        _prepare(1, 1);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = _signature(0xBAD, _digest());
        vm.expectRevert(abi.encodeWithSelector(SignerSet.UnknownSigner.selector, vm.addr(0xBAD)));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_signatures__when_malleated_to_high_s__then_they_are_refused() public {
        _prepare(1, 1);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(signerKeys[0], _digest());
        bytes32 high = bytes32(CURVE_ORDER - uint256(s));
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(r, high, v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_signatures__when_of_another_length__then_they_are_refused() public {
        _prepare(1, 1);
        bytes[] memory signatures = new bytes[](1);
        signatures[0] = abi.encodePacked(_signature(signerKeys[0], _digest()), uint8(0));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, 66));
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_replay__when_the_request_differs__then_the_signature_is_void() public {
        _prepare(1, 1);
        bytes[] memory signatures = _signatures(_digest());
        (uint256 other, IAIRiskOracle.Request memory second) = _ask();
        report.requestId = other;
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.provideAssessment(second, report, signatures, proof);
    }

    function test_replay__when_the_chain_differs__then_the_signature_is_void() public {
        _prepare(1, 1);
        bytes[] memory signatures = _signatures(_digest());
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_replay__when_the_contract_differs__then_the_signature_is_void() public {
        _prepare(1, 1);
        bytes[] memory signatures = _signatures(_digest());
        AIRiskOracle first = oracle;
        oracle = _deployOracle(1, false);
        _ask();
        check(first.signerSetDigest() == oracle.signerSetDigest(), "the same set");
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.provideAssessment(request, report, signatures, proof);
    }

    function test_replay__when_the_signer_set_changed_and_came_back__then_the_signature_is_void() public {
        _prepare(2, 1);
        bytes[] memory signatures = _signatures(_digest());
        address[] memory both = _addresses(signerKeys);
        address[] memory one = new address[](1);
        one[0] = both[0];
        oracle.setSigners(one, 1);
        check(!oracle.isSigner(both[1]), "the second is out");
        equal(oracle.signers().length, 1, "one signer");
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.provideAssessment(request, report, signatures, proof);
        oracle.setSigners(both, 1);
        vm.expectPartialRevert(SignerSet.UnknownSigner.selector);
        oracle.provideAssessment(request, report, signatures, proof);
        oracle.provideAssessment(request, report, _signatures(_digest()), proof);
    }

    function test_digest__when_built_by_hand__then_it_is_the_standards(
        IAIRiskOracle.Request memory asked,
        IAIRiskOracle.Report memory answered
    ) public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("AIRiskOracle"),
                keccak256("1"),
                block.chainid,
                address(oracle)
            )
        );
        bytes32 typeHash = keccak256(
            "Report(uint256 requestId,address user,address requester,bytes32 termsHash,bytes32 dataCommitment,bytes32 modelId,uint64 blockNumber,bytes32 blockHash,uint256 featureCommitment,bytes32 outputsHash,bytes32 signerSetDigest)"
        );
        bytes memory head = abi.encode(
            typeHash,
            answered.requestId,
            asked.user,
            asked.requester,
            keccak256(abi.encode(asked.terms)),
            asked.dataCommitment,
            answered.modelId,
            answered.blockNumber
        );
        bytes memory tail = abi.encode(
            answered.blockHash,
            answered.featureCommitment,
            keccak256(abi.encodePacked(answered.outputs)),
            bytes12(keccak256(abi.encode(_addresses(signerKeys), uint8(1), uint64(1))))
        );
        bytes32 expected = keccak256(abi.encodePacked(hex"1901", domain, keccak256(bytes.concat(head, tail))));
        equal(oracle.reportDigest(asked, answered), expected, "report digest");
    }

    function test_signer_set__when_senseless__then_it_is_refused() public {
        address[] memory none = new address[](0);
        vm.expectRevert(abi.encodeWithSelector(SignerSet.SignerCountOutOfRange.selector, 0, 31));
        oracle.setSigners(none, 1);
        address[] memory many = _addresses(_ascendingKeys(32));
        vm.expectRevert(abi.encodeWithSelector(SignerSet.SignerCountOutOfRange.selector, 32, 31));
        oracle.setSigners(many, 1);
        address[] memory two = _addresses(_ascendingKeys(2));
        vm.expectRevert(abi.encodeWithSelector(SignerSet.ThresholdOutOfRange.selector, 0, 2));
        oracle.setSigners(two, 0);
        vm.expectRevert(abi.encodeWithSelector(SignerSet.ThresholdOutOfRange.selector, 3, 2));
        oracle.setSigners(two, 3);
        (two[0], two[1]) = (two[1], two[0]);
        vm.expectRevert(abi.encodeWithSelector(SignerSet.SignersNotAscending.selector, two[0], two[1]));
        oracle.setSigners(two, 1);
        two[0] = two[1];
        vm.expectRevert(abi.encodeWithSelector(SignerSet.SignersNotAscending.selector, two[0], two[1]));
        oracle.setSigners(two, 1);
        two[0] = address(0);
        vm.expectRevert(abi.encodeWithSelector(SignerSet.SignersNotAscending.selector, address(0), address(0)));
        oracle.setSigners(two, 1);
    }
}
