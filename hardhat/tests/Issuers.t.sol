// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Built} from "./support/Built.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {IIssuerRegistry} from "../contracts/interfaces/IIssuerRegistry.sol";
import {IssuerRegistry} from "../contracts/issuers/IssuerRegistry.sol";
import {IssuerFixture} from "./support/IssuerFixture.sol";
import {OracleFixture} from "./support/OracleFixture.sol";

/// @title What an attestation must be, by both curves
contract AttestationsTest is OracleFixture, IssuerFixture {
    bytes32 private constant OTHER_SCHEMA = keccak256("another schema");
    uint256 private constant SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function setUp() public override {
        super.setUp();
        _foundIssuers(manager);
    }

    function _both() private view returns (bytes32[2] memory) {
        return [bank, employer];
    }

    function _refused(IIssuerRegistry.Attestation memory a, bytes4 why) private {
        vm.expectPartialRevert(why);
        issuers.check(borrower, DATA, a);
    }

    function test_check__when_an_issuer_signed_it__then_it_passes() public view {
        for (uint256 i = 0; i < 2; ++i) issuers.check(borrower, DATA, _attestation(_both()[i], borrower, DATA));
    }

    function testFuzz_check__when_signed_for_any_borrower_and_data__then_it_passes(
        address who,
        bytes32 data
    ) public view {
        for (uint256 i = 0; i < 2; ++i) issuers.check(who, data, _attestation(_both()[i], who, data));
    }

    function testFuzz_check__when_anything_that_was_signed_differs__then_it_is_refused(
        address who,
        bytes32 data,
        uint64 later,
        uint8 what
    ) public {
        issuers.setSchema(bank, OTHER_SCHEMA, true);
        issuers.setSchema(employer, OTHER_SCHEMA, true);
        for (uint256 i = 0; i < 2; ++i) {
            IIssuerRegistry.Attestation memory a = _attestation(_both()[i], borrower, DATA);
            (address of_, bytes32 commitment) = (borrower, DATA);
            if (what % 4 == 0) of_ = who == borrower ? address(this) : who;
            if (what % 4 == 1) commitment = data == DATA ? bytes32(0) : data;
            if (what % 4 == 2) a.schema = OTHER_SCHEMA;
            if (what % 4 == 3) a.validUntil = uint64(bound(later, a.validUntil + 1, type(uint64).max));
            vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
            issuers.check(of_, commitment, a);
        }
    }

    function testFuzz_check__when_a_bit_of_the_signature_flips__then_it_is_refused(uint16 bit) public {
        for (uint256 i = 0; i < 2; ++i) {
            IIssuerRegistry.Attestation memory a = _attestation(_both()[i], borrower, DATA);
            uint256 place = bit % (a.signature.length * 8);
            a.signature[place / 8] ^= bytes1(uint8(1 << (place % 8)));
            vm.expectRevert();
            issuers.check(borrower, DATA, a);
        }
    }

    function test_check__when_it_is_anothers_key__then_it_is_refused() public {
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        bytes32 digest = issuers.attestationDigest(borrower, DATA, SCHEMA, a.validUntil);
        a.signature = _signature(BORROWER_KEY, digest);
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
        (bytes32 r, bytes32 s) = vm.signP256(EMPLOYER_KEY + 1, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
        // Signed by a key that comes with it and is no issuer's, or is not the one that comes with it.
        (a.issuer, a.signature) = (employer, abi.encodePacked(r, s, _point(EMPLOYER_KEY + 1)));
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
        a.signature = abi.encodePacked(r, s, _point(EMPLOYER_KEY));
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
    }

    function test_check__when_on_another_chain_or_registry__then_it_is_refused() public {
        IssuerRegistry other = Built.issuerRegistry(address(manager));
        other.addIssuer(SECP256K1, abi.encodePacked(vm.addr(BANK_KEY)), "A bank");
        other.setSchema(bank, SCHEMA, true);
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        vm.expectPartialRevert(IIssuerRegistry.NotSignedByIssuer.selector);
        other.check(borrower, DATA, a);
        vm.chainId(block.chainid + 1);
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
    }

    function test_check__when_the_time_is_over__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            IIssuerRegistry.Attestation memory a = _attestation(_both()[i], borrower, DATA);
            vm.warp(a.validUntil);
            issuers.check(borrower, DATA, a);
            vm.warp(uint256(a.validUntil) + 1);
            vm.expectRevert(abi.encodeWithSelector(IIssuerRegistry.AttestationExpired.selector, a.validUntil));
            issuers.check(borrower, DATA, a);
        }
    }

    function test_check__when_the_issuer_is_unknown__then_it_is_refused() public {
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        a.issuer = keccak256("nobody");
        _refused(a, IIssuerRegistry.IssuerUnknown.selector);
    }

    function test_check__when_the_schema_is_not_the_issuers__then_it_is_refused() public {
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        a.schema = OTHER_SCHEMA;
        _refused(a, IIssuerRegistry.SchemaNotIssued.selector);
        issuers.setSchema(bank, SCHEMA, false);
        _refused(_attestation(bank, borrower, DATA), IIssuerRegistry.SchemaNotIssued.selector);
        issuers.check(borrower, DATA, _attestation(employer, borrower, DATA));
    }

    function test_check__when_the_signature_is_too_long_or_short__then_it_is_refused() public {
        for (uint256 i = 0; i < 2; ++i) {
            IIssuerRegistry.Attestation memory a = _attestation(_both()[i], borrower, DATA);
            bytes memory right = a.signature;
            a.signature = abi.encodePacked(right, uint8(0));
            _refused(a, IIssuerRegistry.WrongSignatureLength.selector);
            a.signature = new bytes(right.length - 1);
            _refused(a, IIssuerRegistry.WrongSignatureLength.selector);
            a.signature = "";
            _refused(a, IIssuerRegistry.WrongSignatureLength.selector);
        }
    }

    /// @dev The other of the two signatures that one key gives: by r, -s.
    function test_check__when_s_is_high__then_it_is_refused() public {
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        bytes32 digest = issuers.attestationDigest(borrower, DATA, SCHEMA, a.validUntil);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(BANK_KEY, digest);
        a.signature = abi.encodePacked(r, bytes32(SECP256K1_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        _refused(a, IIssuerRegistry.MalleableSignature.selector);
        a = _attestation(employer, borrower, DATA);
        (r, s) = _halves(a.signature);
        a.signature = abi.encodePacked(r, bytes32(P256.N - uint256(s)), _point(EMPLOYER_KEY));
        _refused(a, IIssuerRegistry.MalleableSignature.selector);
    }

    function test_check__when_the_signature_is_degenerate__then_it_is_refused() public {
        IIssuerRegistry.Attestation memory a = _attestation(bank, borrower, DATA);
        a.signature = new bytes(65);
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
        a = _attestation(bank, borrower, DATA);
        a.signature[64] = bytes1(uint8(29));
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
        a = _attestation(employer, borrower, DATA);
        (bytes32 r, bytes32 s) = _halves(a.signature);
        a.signature = new bytes(128);
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
        a.signature = abi.encodePacked(P256.N, s, _point(EMPLOYER_KEY));
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
        a.signature = abi.encodePacked(r, bytes32(0), _point(EMPLOYER_KEY));
        _refused(a, IIssuerRegistry.NotSignedByIssuer.selector);
    }

    /// @dev What a chain without the precompile computes, for the same signatures.
    function testFuzz_p256__when_there_is_no_precompile__then_solidity_says_the_same(
        uint256 seed,
        bytes32 digest
    ) public view {
        uint256 key = bound(seed, 1, P256.N - 1);
        (uint256 x, uint256 y) = vm.publicKeyP256(key);
        (bytes32 r, bytes32 s) = vm.signP256(key, digest);
        if (uint256(s) > P256.N / 2) s = bytes32(P256.N - uint256(s));
        check(P256.verifySolidity(digest, r, s, bytes32(x), bytes32(y)), "taken");
        check(!P256.verifySolidity(~digest, r, s, bytes32(x), bytes32(y)), "another digest");
        check(P256.verify(digest, r, s, bytes32(x), bytes32(y)), "taken by the precompile");
    }

    function _halves(bytes memory signature) private pure returns (bytes32 r, bytes32 s) {
        (r, s, , ) = abi.decode(signature, (bytes32, bytes32, bytes32, bytes32));
    }
}
